//! What can happen to the registry
//!
//! Everything that the shell learns from init, the steward, the peers and its own descriptors.

use limen_proto::grant::Decision;
use limen_proto::id::UnitRef;
use limen_proto::registry::Request;

use super::peers::PeerId;
use super::references::Record;

/// One happening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Init gave the listener of a life of a bundle.
    Listener(UnitRef),
    /// Init says that a life of a unit is over.
    Ended(UnitRef),
    /// Init gave back a descriptor that an earlier broker stored.
    Stored {
        /// The reference that it belongs to.
        reference: u64,
        /// What was stored with it.
        record: Record,
    },
    /// Init would not store the descriptor of this reference.
    NotStored {
        /// Which.
        reference: u64,
    },
    /// A new link to a steward: everything in force follows, then `Complete`.
    Linked,
    /// The steward said something.
    Decided(Decision),
    /// A peer arrived on the listener of this unit.
    Connected {
        /// Its number, never used before.
        peer: PeerId,
        /// Whose listener.
        unit: UnitRef,
    },
    /// A peer asked.
    Asked {
        /// Who.
        peer: PeerId,
        /// What.
        request: Request,
    },
    /// A peer sent what is not a request, or a descriptor.
    Broke {
        /// Who.
        peer: PeerId,
    },
    /// A peer is gone.
    Closed {
        /// Who.
        peer: PeerId,
    },
    /// One frame left the queue of a peer.
    Sent {
        /// Who.
        peer: PeerId,
    },
    /// The caller of a reference hung up, or the service shut its end down.
    HungUp {
        /// Which reference.
        reference: u64,
    },
    /// The kernel gave no socket pair for a handover.
    NotHanded {
        /// The reference that does not come to be.
        reference: u64,
        /// Who waits for it.
        caller: PeerId,
        /// Its request.
        request: u32,
        /// Who would have served.
        service: PeerId,
    },
}
