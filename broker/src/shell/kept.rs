//! Kept duplicates: cutting and hang-ups
//!
//! Only ever of the *service's* end. A duplicate of the caller's end would hide the caller's death
//! from the service. Through the service's end the broker sees the caller go (EPOLLHUP), and
//! shutdown(2) cuts both sides at once, whoever else holds a descriptor. What is queued in the
//! pair at that moment is still delivered.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::epoll::EventFlags;
use rustix::io::Errno;
use rustix::net::Shutdown;

use super::sources::{Source, Sources, Token};

/// Duplicates by reference.
#[derive(Default)]
pub(super) struct Kept(BTreeMap<u64, (OwnedFd, Option<Token>)>);

impl Kept {
    /// Keeps one and watches it for the hang-up.
    ///
    /// # Errors
    /// It cannot be watched; it is kept all the same, so that it can be cut.
    pub(super) fn add(
        &mut self,
        sources: &mut Sources,
        reference: u64,
        end: OwnedFd,
    ) -> Result<(), Errno> {
        // No flags: data that passes must not wake the broker, and HUP is always told.
        let token = sources.add(&end, Source::Kept(reference), EventFlags::empty());
        let fault = token.as_ref().err().copied();
        self.0.insert(reference, (end, token.ok()));
        fault.map_or(Ok(()), Err)
    }

    /// Lets go of one. Returns whether it was there.
    pub(super) fn forget(&mut self, sources: &mut Sources, reference: u64) -> bool {
        let Some((end, token)) = self.0.remove(&reference) else {
            return false;
        };
        if let Some(token) = token {
            sources.remove(&token, end.as_fd());
        }
        true
    }

    /// Shuts the pair down for everybody, then lets go.
    pub(super) fn cut(&mut self, sources: &mut Sources, reference: u64) -> bool {
        if let Some((end, _)) = self.0.get(&reference) {
            // ENOTCONN alone is possible: both sides are gone already.
            let _ = rustix::net::shutdown(end, Shutdown::Both);
        }
        self.forget(sources, reference)
    }
}
