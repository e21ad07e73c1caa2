//! Limbo: what ended lives leave, removed when there is nothing else to do
//!
//! A restart waits for no removal: the next life of a bundle takes the other of its two cgroup names and
//! sockets of its own. What an ended life used is counted before its cgroup goes; nothing is lost when
//! its place is needed, or its virtual gateway ends, before anybody had time.

use heapless::Vec;
use limen_proto::id::{UnitId, UnitRef};
use limen_proto::limits::UNITS;

use super::Shell;
use super::cgroup::Group;
use super::sockets;
use crate::core::supervisor::Event;
use crate::core::unit::Unit;

/// Time after which it is tried again to remove what is to be removed, milliseconds.
pub(super) const AGAIN_MS: u64 = 20;
/// Longest time that something waits for an idle moment, milliseconds.
const PATIENCE_MS: u64 = 1000;

/// The cgroup of a life that is over, and whether the directory with its sockets is still there.
pub(super) struct Remains {
    life: UnitRef,
    pub(super) group: Group,
    sockets: bool,
    since: u64,
}

impl Remains {
    pub(super) const fn new(life: UnitRef, group: Group, sockets: bool, since: u64) -> Self {
        Self {
            life,
            group,
            sockets,
            since,
        }
    }

    fn forget_sockets(&self) {
        if self.sockets {
            sockets::forget_bundle(self.life);
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
        let sockets = books.run.take().is_some();
        if let Some(group) = books.group.take() {
            self.leave_behind(Remains::new(life, group, sockets, now));
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
            // What it used is the unit's, whichever life it was to be.
            if let Some(life) = self.core.unit(old.life.unit).map(Unit::life) {
                self.core.handle(Event::Spent { life, counters }, self.now);
            }
        }
    }
}
