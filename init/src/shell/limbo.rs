//! Limbo: what ended lives leave, removed when there is nothing else to do
//!
//! A restart waits for no removal: the next life of a bundle takes the other of its two cgroup names and
//! sockets of its own. What an ended life used is counted before its cgroup goes; nothing is lost when
//! its place is needed, or its virtual gateway ends, before anybody had time.

use std::os::fd::OwnedFd;

use heapless::Vec;
use limen_proto::id::{UnitId, UnitRef};
use limen_proto::limits::UNITS;

use super::Shell;
use super::cgroup::Group;
use super::sockets::{self, Run};
use crate::core::supervisor::Event;
use crate::core::unit::Unit;

/// Time after which it is tried again to remove what is to be removed, milliseconds.
pub(super) const AGAIN_MS: u64 = 20;
/// Longest time that something waits for an idle moment, milliseconds.
const PATIENCE_MS: u64 = 1000;

/// The cgroup of a life that is over, its mounts, and the directory with its sockets.
pub(super) struct Remains {
    life: UnitRef,
    pub(super) group: Group,
    run: Option<Run>,
    mounts: Option<OwnedFd>,
    since: u64,
}

impl Remains {
    /// A cgroup and nothing else.
    pub(super) const fn new(life: UnitRef, group: Group, since: u64) -> Self {
        Self {
            life,
            group,
            run: None,
            mounts: None,
            since,
        }
    }

    fn forget_sockets(&self) {
        if let Some(run) = &self.run {
            sockets::forget_bundle(self.life.unit, run);
        }
    }

    /// Whether it is of a bundle of this virtual gateway.
    pub(super) fn is_in(&self, vgw: UnitId) -> bool {
        matches!((self.life.unit, vgw), (UnitId::Bundle(of, _), UnitId::Vgw(slot)) if of == slot)
    }
}

/// Those of all units.
pub(super) type Limbo = Vec<Remains, UNITS>;

impl Shell {
    /// Leaves what was made for a life that is over for later. Its processes are gone.
    pub(super) fn remove_later(&mut self, life: UnitRef) {
        let now = self.now;
        let Some(books) = self.lives.get(life) else {
            return;
        };
        books.clearing = false;
        let (run, mounts) = (books.run.take(), books.held.take());
        if let Some(group) = books.group.take() {
            self.leave_behind(Remains {
                run,
                mounts,
                ..Remains::new(life, group, now)
            });
        }
    }

    pub(super) fn leave_behind(&mut self, remains: Remains) {
        // When there is no room, the cgroup goes with its virtual gateway.
        if let Err(remains) = self.limbo.push(remains) {
            remains.forget_sockets();
        }
    }

    /// Whether something has waited for an idle moment for too long.
    pub(super) fn is_limbo_overdue(&self) -> bool {
        let mut all = self.limbo.iter();
        all.any(|one| one.since.saturating_add(PATIENCE_MS) <= self.now)
    }

    /// Counts and removes what can be removed by now.
    pub(super) fn tidy(&mut self) {
        self.settle(|_| true);
        self.carry_out();
    }

    /// The same for some of it.
    pub(super) fn settle(&mut self, which: impl Fn(&Remains) -> bool) {
        let mut place = 0;
        while let Some(remains) = self.limbo.get(place) {
            if !which(remains) || !remains.group.is_empty() {
                place = place.saturating_add(1);
                continue;
            }
            let counters = remains.group.counters();
            if self.tree.remove(&remains.group).is_err() {
                place = place.saturating_add(1);
                continue;
            }
            let old = self.limbo.swap_remove(place);
            old.forget_sockets();
            if let Some(mounts) = old.mounts {
                self.close_later(&mounts);
            }
            // What it used is the unit's, whichever life it was to be.
            if let Some(life) = self.core.unit(old.life.unit).map(Unit::life) {
                self.core.handle(Event::Spent { life, counters }, self.now);
            }
        }
    }
}
