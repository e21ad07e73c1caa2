//! What the registry wants done
//!
//! The shell carries effects out in their order.

use limen_proto::grant::Use;
use limen_proto::id::UnitRef;
use limen_proto::registry::{Caller, Event, Service};

use super::peers::PeerId;
use super::references::Record;

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Queue an event for a peer. It is already charged to the peer's queue.
    Send {
        /// Who.
        peer: PeerId,
        /// What.
        event: Event,
    },
    /// Make a socket pair and hand its ends over. Charged to both queues.
    Hand(Handover),
    /// Shut the pair down for both ends, close the kept descriptor, tell init.
    Cut {
        /// Which reference.
        reference: u64,
    },
    /// The pair is over already: close the kept descriptor, tell init.
    Forget {
        /// Which reference.
        reference: u64,
    },
    /// Close the connection behind what is queued for it.
    Disconnect {
        /// Who.
        peer: PeerId,
    },
    /// Close the listener of a life that is over.
    CloseListener(UnitRef),
    /// Tell the steward, if one is there.
    Report(Use),
}

/// A reference to hand over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    /// The new reference.
    pub reference: u64,
    /// What init keeps beside the descriptor.
    pub record: Record,
    /// Who obtains it.
    pub caller_peer: PeerId,
    /// By which request.
    pub request: u32,
    /// The service, as the caller learns of it.
    pub service: Service,
    /// Who serves.
    pub service_peer: PeerId,
    /// The caller, as the service learns of it.
    pub caller: Caller,
}
