//! Peers: connections of bundles
//!
//! What waits for a peer is counted here and bounded by construction: a peer is read only when
//! nothing waits for it, so at most one reply does; a handover is refused as `Busy` and news of watched
//! interfaces are held back while [`BACKLOG`] frames wait. A reader that never reads stalls
//! itself and costs [`BACKLOG`] frames.

use std::collections::{BTreeMap, BTreeSet};

use limen_proto::id::UnitRef;
use limen_proto::name::Interface;

/// A connection's number, never reused in one life of the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u64);

/// With this many frames waiting, a peer gets no handovers and no news: no more ever wait.
pub const BACKLOG: usize = 8;

/// One connection.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Whose listener it arrived on.
    pub unit: UnitRef,
    /// Frames that wait for it.
    pub queued: usize,
    /// What it watches, and the services it was told of.
    pub watches: BTreeMap<Interface, BTreeSet<u64>>,
}

impl Peer {
    /// A new connection.
    pub const fn new(unit: UnitRef) -> Self {
        Self {
            unit,
            queued: 0,
            watches: BTreeMap::new(),
        }
    }

    /// Whether it may be sent what it did not ask for.
    pub const fn takes_more(&self) -> bool {
        self.queued < BACKLOG
    }
}
