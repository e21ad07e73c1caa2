//! Network namespaces that were made before they are needed
//!
//! A namespace is most of what a virtual gateway's network costs, and it depends on neither slot nor
//! contract. limen-jail makes the next one when it has had nothing to do for a while, and gives each
//! away once: one that a virtual gateway had is never used again, and one that was to be used and was
//! not goes too. Its memory is the core's, in limen-jail's cgroup.

use std::os::fd::OwnedFd;

use limen_proto::jail::Step;
use rustix::event::Timespec;

use crate::fault::{At, Fault};
use crate::step::network;

/// Those that are kept: a start takes one, and most starts come alone.
const MOST: usize = 1;
/// Idleness after which one is made: longer than the steps of one start are apart, 50 ms.
pub(crate) const IDLE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};
/// First number of a kept descriptor: what is built inherits them all, and may have no more than
/// [`LEAST_DESCRIPTORS`](limen_proto::contract::LEAST_DESCRIPTORS) numbers to open its own at.
const ASIDE: i32 = 128;

/// A namespace at a number where it is in nobody's way.
pub(crate) fn aside(namespace: OwnedFd) -> Result<OwnedFd, Fault> {
    rustix::io::fcntl_dupfd_cloexec(namespace, ASIDE).at(Step::Namespaces, "keep", "a namespace")
}

/// Those that are ready.
#[derive(Debug, Default)]
pub(crate) struct Pool(Vec<OwnedFd>);

impl Pool {
    /// Whether there is nothing to do ahead.
    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= MOST
    }

    /// Makes one more.
    ///
    /// # Errors
    /// The kernel refused; this process may be in a namespace that is not its own, and must end.
    pub(crate) fn fill(&mut self) -> Result<(), Fault> {
        self.0.push(aside(network::make()?)?);
        Ok(())
    }

    /// One that nobody was in, for one virtual gateway.
    pub(crate) fn take(&mut self) -> Option<OwnedFd> {
        self.0.pop()
    }

    /// In a process that becomes a unit: what is not its own is closed, for some wait long before
    /// they execute their program.
    pub(crate) fn forget(&mut self) {
        self.0.clear();
    }
}
