//! The descriptors of one unit: what the core's record stands for in the kernel
//!
//! Everything but the log pipe and what a bundle's lives share or find ready belongs to one life and goes with
//! [`Life::release`]. Dropping a
//! descriptor is all the undoing that there is.

use std::os::fd::OwnedFd;

use heapless::Vec;
use limen_channel::Channel;
use limen_proto::id::{Generation, UnitId, UnitRef};
use limen_proto::limits::UNITS;
use limen_proto::state::{Fault, UnitState};

use super::cgroup::Group;
use super::ready::Ready;
use super::sockets::{self, Run};

/// The pipe that a unit prints into. Both ends stay here: the write end for the next life, the read
/// end for the next logger, so that neither's death closes it.
pub(super) struct LogPipe {
    pub(super) read: OwnedFd,
    pub(super) write: OwnedFd,
}

/// The main process of a life.
pub(super) struct Main {
    pub(super) process: OwnedFd,
    pub(super) pid: u32,
}

/// The descriptors of one unit.
pub(super) struct Life {
    pub(super) unit: UnitId,
    pub(super) generation: Generation,
    pub(super) log: Option<LogPipe>,
    /// What was last shown on the console.
    pub(super) shown: Option<(UnitState, Fault)>,
    pub(super) group: Option<Group>,
    /// Where limen-jail and the payload answer. Hung up when the payload has executed its program,
    /// or died.
    pub(super) jail: Option<Channel>,
    /// Which limen-jail was given the task.
    pub(super) jail_number: u32,
    /// What is awaited there is the opening of a virtual gateway that was parked.
    pub(super) opening: bool,
    pub(super) main: Option<Main>,
    pub(super) control: Option<Channel>,
    pub(super) listener: Option<OwnedFd>,
    pub(super) readiness: Option<OwnedFd>,
    /// The directory with a bundle's sockets.
    pub(super) run: Option<Run>,
    /// The user and the network namespace of a virtual gateway.
    pub(super) namespaces: Option<(OwnedFd, OwnedFd)>,
    /// The mounts that all lives of a bundle share, as its first one made them.
    pub(super) mounts: Option<OwnedFd>,
    /// What was made ahead for the next life.
    pub(super) next: Option<Ready>,
    /// The mounts of this life, held so that its end need not take them apart.
    pub(super) held: Option<OwnedFd>,
    /// Both were tried, once.
    pub(super) readied: bool,
    /// What stops a bundle's spare behind execve(2).
    pub(super) halt: Option<OwnedFd>,
    /// When what is enforced on it shall be read back.
    pub(super) inspection: Option<u64>,
    /// The cgroup was killed; `Emptied` is due when nothing is left.
    pub(super) clearing: bool,
}

impl Life {
    fn new(unit: UnitId) -> Self {
        Self {
            unit,
            generation: Generation(0),
            log: None,
            shown: None,
            group: None,
            jail: None,
            jail_number: 0,
            opening: false,
            main: None,
            control: None,
            listener: None,
            readiness: None,
            run: None,
            namespaces: None,
            mounts: None,
            next: None,
            held: None,
            readied: false,
            halt: None,
            inspection: None,
            clearing: false,
        }
    }

    /// Which life it is.
    pub(super) fn life(&self) -> UnitRef {
        UnitRef {
            unit: self.unit,
            generation: self.generation,
        }
    }

    /// Closes what belongs to one life, and removes its sockets.
    pub(super) fn release(&mut self) {
        if let Some(run) = &self.run {
            sockets::forget_bundle(self.unit, run);
        }
        *self = Self {
            generation: self.generation,
            log: self.log.take(),
            shown: self.shown,
            mounts: self.mounts.take(),
            next: self.next.take(),
            ..Self::new(self.unit)
        };
    }

    /// Whether a process of this life has not been reaped.
    pub(super) fn has_process(&self) -> bool {
        self.main.is_some()
    }
}

/// The descriptors of all units: of their present lives, and of those that were begun ahead.
pub(super) struct Lives {
    present: Vec<Life, UNITS>,
    ahead: Vec<Life, UNITS>,
}

impl Lives {
    pub(super) const fn new() -> Self {
        Self {
            present: Vec::new(),
            ahead: Vec::new(),
        }
    }

    /// The unit's, whatever its life.
    pub(super) fn of(&mut self, unit: UnitId) -> Option<&mut Life> {
        self.present.iter_mut().find(|one| one.unit == unit)
    }

    /// The same; opened when there are none yet.
    pub(super) fn of_new(&mut self, unit: UnitId) -> Option<&mut Life> {
        if self.of(unit).is_none() {
            self.present.push(Life::new(unit)).ok()?;
        }
        self.of(unit)
    }

    /// Those of one life; none when it is neither the present one nor begun ahead.
    pub(super) fn get(&mut self, life: UnitRef) -> Option<&mut Life> {
        self.iter_mut().find(|one| one.life() == life)
    }

    /// Opens the books for a life that is begun ahead.
    pub(super) fn begin_ahead(&mut self, life: UnitRef) -> Option<&mut Life> {
        let books = Life {
            generation: life.generation,
            ..Life::new(life.unit)
        };
        self.ahead.push(books).ok()?;
        self.ahead.last_mut()
    }

    /// Takes the books of a life that was begun ahead.
    pub(super) fn take_ahead(&mut self, life: UnitRef) -> Option<Life> {
        let place = self.ahead.iter().position(|one| one.life() == life)?;
        Some(self.ahead.swap_remove(place))
    }

    /// Makes a life that was begun ahead the present one. What outlives a life stays.
    pub(super) fn promote(&mut self, life: UnitRef) -> Option<&mut Life> {
        let books = self.take_ahead(life)?;
        let present = self.of(life.unit)?;
        present.release();
        *present = Life {
            log: present.log.take(),
            shown: present.shown,
            mounts: present.mounts.take(),
            next: present.next.take(),
            ..books
        };
        Some(present)
    }

    /// Opens the books for a new life.
    pub(super) fn begin(&mut self, life: UnitRef) -> Option<&mut Life> {
        let one = self.of_new(life.unit)?;
        one.release();
        one.generation = life.generation;
        Some(one)
    }

    /// Closes everything of a unit.
    pub(super) fn forget(&mut self, unit: UnitId) {
        if let Some(place) = self.present.iter().position(|one| one.unit == unit) {
            self.present.swap_remove(place).release();
        }
    }

    /// Whether a life was begun ahead, and not taken yet.
    pub(super) fn is_ahead(&self, life: UnitRef) -> bool {
        self.ahead.iter().any(|one| one.life() == life)
    }

    /// Those of present lives.
    pub(super) fn present(&self) -> impl Iterator<Item = &Life> {
        self.present.iter()
    }

    /// Every life's.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Life> {
        self.present.iter().chain(&self.ahead)
    }

    /// Every life's.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Life> {
        self.present.iter_mut().chain(&mut self.ahead)
    }
}
