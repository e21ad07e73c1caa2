//! One pipe, and the speed at which it is read
//!
//! A unit that prints faster than [`RATE`] waits in its own write(2) until the next second: the
//! flood costs the flooder, not the logger's share of the processor.

use std::os::fd::OwnedFd;

use limen_proto::id::UnitId;
use limen_proto::name::Name;

use crate::line::Splitter;

/// Most bytes that are read from one unit in a second.
pub(crate) const RATE: usize = 256 * 1024;

/// The read end of a unit's log pipe.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) unit: UnitId,
    pub(crate) name: Name,
    pub(crate) pipe: OwnedFd,
    pub(crate) splitter: Splitter,
    /// Bytes that may still be read in this second.
    pub(crate) budget: usize,
    /// Tells its events from those of a source that was closed.
    pub(crate) token: u64,
}
