//! Sources: which descriptor stands for what
//!
//! Every registration has a token that is never used again, so that an event that was fetched
//! before its source went away finds nothing.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};

use limen_proto::id::UnitRef;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;

use super::error::ShellError;
use crate::core::peers::PeerId;

/// What became ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The control socket.
    Control,
    /// The link to the steward.
    Steward,
    /// A bundle's listener.
    Listener(UnitRef),
    /// A bundle's connection.
    Peer(PeerId),
    /// A kept duplicate: only its hang-up is of interest.
    Kept(u64),
}

/// A registration; ends with [`Sources::remove`] or with the descriptor.
#[derive(Debug)]
pub(super) struct Token {
    number: u64,
    flags: Cell<EventFlags>,
}

/// The epoll set.
pub(super) struct Sources {
    epoll: OwnedFd,
    by_token: BTreeMap<u64, Source>,
    next: u64,
    /// Room for what one wait brings. It stays: an allocator that has nothing else of a size gives
    /// the memory back to the kernel, and asks for it again in the next turn.
    events: Vec<Event>,
}

/// Most events of one wait.
const EVENTS: usize = 64;

impl Sources {
    pub(super) fn new() -> Result<Self, ShellError> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)
            .map_err(|errno| ShellError::Kernel("epoll_create1", errno))?;
        Ok(Self {
            epoll,
            by_token: BTreeMap::new(),
            next: 1,
            events: Vec::with_capacity(EVENTS),
        })
    }

    /// Adds a descriptor. Hang-ups are reported whatever the flags.
    pub(super) fn add(
        &mut self,
        descriptor: impl AsFd,
        source: Source,
        flags: EventFlags,
    ) -> Result<Token, Errno> {
        let number = self.next;
        epoll::add(&self.epoll, descriptor, EventData::new_u64(number), flags)?;
        self.next += 1;
        self.by_token.insert(number, source);
        let flags = Cell::new(flags);
        Ok(Token { number, flags })
    }

    /// Changes what is waited for, if it is different.
    pub(super) fn want(&self, token: &Token, descriptor: impl AsFd, flags: EventFlags) {
        if token.flags.get() != flags {
            let data = EventData::new_u64(token.number);
            // The descriptor is in the set and the kernel needs no memory for a change.
            if epoll::modify(&self.epoll, descriptor, data, flags).is_ok() {
                token.flags.set(flags);
            }
        }
    }

    /// Takes a descriptor out. It must be called while the descriptor is open: a duplicate
    /// elsewhere would keep the registration alive.
    pub(super) fn remove(&mut self, token: &Token, descriptor: impl AsFd) {
        self.by_token.remove(&token.number);
        // Only a descriptor that is not in the set is refused: then there is nothing to remove.
        let _ = epoll::delete(&self.epoll, descriptor);
    }

    /// Waits; at most `limit` milliseconds, or for ever.
    pub(super) fn wait(
        &mut self,
        limit: Option<i64>,
    ) -> Result<Vec<(Source, EventFlags)>, ShellError> {
        let limit = limit.map(|milliseconds| Timespec {
            tv_sec: milliseconds / 1000,
            tv_nsec: (milliseconds % 1000) * 1_000_000,
        });
        self.events.clear();
        match epoll::wait(
            &self.epoll,
            rustix::buffer::spare_capacity(&mut self.events),
            limit.as_ref(),
        ) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(ShellError::Kernel("epoll_wait", errno)),
        }
        let ready = self.events.iter().filter_map(|event| {
            let source = self.by_token.get(&event.data.u64())?;
            Some((*source, event.flags))
        });
        Ok(ready.collect())
    }
}
