//! Network namespaces that were made before they are needed
//!
//! A namespace is most of what a virtual gateway's network costs, and it depends on neither slot nor
//! contract. limen-jail makes the next one when it has had nothing to do for a while, and gives each
//! away once: one that a virtual gateway had is never used again, and one that was to be used and was
//! not goes too. Its memory is the core's, in limen-jail's cgroup. When none can be made, starts make
//! their own, and each says itself why it cannot; limen-jail tries again later.

use std::os::fd::OwnedFd;

use limen_proto::jail::Step;
use rustix::event::Timespec;

use crate::fault::{At, Failure, Fault};
use crate::step::network;

/// Those that are kept: a start takes one, and most starts come alone.
const MOST: usize = 1;
/// Idleness after which one is made: longer than the steps of one start are apart, 50 ms.
const IDLE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};
/// The same after a try that was refused: what the kernel lacks may come back, and is not worth more.
const LATER: Timespec = Timespec {
    tv_sec: 30,
    tv_nsec: 0,
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
pub(crate) struct Pool {
    ready: Vec<OwnedFd>,
    /// The last try was refused, which was said.
    refused: bool,
}

impl Pool {
    /// Whether there is nothing to do ahead.
    pub(crate) fn is_full(&self) -> bool {
        self.ready.len() >= MOST
    }

    /// Idleness after which one more is made.
    pub(crate) fn patience(&self) -> &'static Timespec {
        if self.refused { &LATER } else { &IDLE }
    }

    /// Makes one more, if that is possible.
    ///
    /// # Errors
    /// This process could not return to its own namespace, and must end.
    pub(crate) fn fill(&mut self) -> Result<(), Fault> {
        self.take_in(network::make().and_then(|made| Ok(aside(made)?)))
    }

    fn take_in(&mut self, made: Result<OwnedFd, Failure>) -> Result<(), Fault> {
        match made {
            Ok(namespace) => {
                self.refused = false;
                self.ready.push(namespace);
            }
            Err(Failure::Astray(fault)) => return Err(fault),
            Err(Failure::InPlace(fault)) => {
                if !self.refused {
                    eprintln!(
                        "limen-jail: {fault}; no network is made ahead, it is tried again every {} s",
                        LATER.tv_sec
                    );
                }
                self.refused = true;
            }
        }
        Ok(())
    }

    /// One that nobody was in, for one virtual gateway.
    pub(crate) fn take(&mut self) -> Option<OwnedFd> {
        self.ready.pop()
    }

    /// In a process that becomes a unit: what is not its own is closed, for some wait long before
    /// they execute their program.
    pub(crate) fn forget(&mut self) {
        self.ready.clear();
    }
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    fn fault() -> Fault {
        Fault::new(Step::Network, "make", "the network namespace", Errno::NOSPC)
    }

    #[test]
    fn what_cannot_be_made_ahead_is_tried_again_later() {
        let mut pool = Pool::default();
        assert_eq!(*pool.patience(), IDLE);
        for _ in 0..2 {
            assert_eq!(pool.take_in(Err(fault().into())), Ok(()));
            assert_eq!(*pool.patience(), LATER);
        }
        let some = std::io::pipe().unwrap().0;
        assert_eq!(pool.take_in(Ok(some.into())), Ok(()));
        assert!(pool.is_full());
        assert!(pool.take().is_some());
        assert_eq!(*pool.patience(), IDLE);
    }

    #[test]
    fn who_is_astray_ends() {
        let mut pool = Pool::default();
        let astray = Failure::Astray(fault());
        assert_eq!(pool.take_in(Err(astray)), Err(fault()));
    }
}
