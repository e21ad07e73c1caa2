//! Spares: lives that are begun ahead of their time
//!
//! Built as any other, beside the present life and under the other of the bundle's two cgroup names;
//! limen-jail's process waits for one frame before it executes the program. What is removed here is
//! removed when there is nothing else to do: a restart that has a spare waits for no removal.

use heapless::Vec;
use limen_proto::id::{UnitId, UnitRef};
use limen_proto::jail::{Go, Step};
use limen_proto::limits::UNITS;
use rustix::io::Errno;

use super::Shell;
use super::cgroup::Group;
use crate::core::supervisor::Event;
use crate::core::unit::Unit;

/// Time after which it is tried again to remove what is to be removed, milliseconds.
pub(super) const AGAIN_MS: u64 = 20;

/// A cgroup of a life that is over.
pub(super) struct Remains {
    unit: UnitId,
    pub(super) group: Group,
}

/// Those of all units.
pub(super) type Limbo = Vec<Remains, UNITS>;

impl Shell {
    pub(super) fn build_spare(&mut self, life: UnitRef) {
        if let Err((step, errno)) = self.try_build(life, true) {
            let step = Some((step, errno.raw_os_error()));
            self.core.handle(Event::Failed { life, step }, self.now);
        }
    }

    /// Lets a spare go on, as the present life of its unit.
    pub(super) fn take_spare(&mut self, life: UnitRef) {
        let books = self.lives.promote(life);
        let told = books.and_then(|books| books.jail.as_ref()?.try_send(&Go, &[]).ok());
        if told.is_none() {
            let step = Some((Step::Exec, Errno::PIPE.raw_os_error()));
            self.core.handle(Event::Failed { life, step }, self.now);
        }
    }

    /// Ends a spare. Its process is reaped like an orphan.
    pub(super) fn end_spare(&mut self, life: UnitRef) {
        let Some(mut books) = self.lives.take_ahead(life) else {
            return;
        };
        if let Some(group) = books.group.take() {
            // A leaf that is gone has nothing to kill.
            let _ = group.kill();
            self.leave_behind(life.unit, group);
        }
        books.release();
    }

    /// Leaves the cgroup of a life that is over for later.
    pub(super) fn remove_later(&mut self, life: UnitRef) {
        let Some(books) = self.lives.get(life) else {
            return;
        };
        books.clearing = false;
        if let Some(group) = books.group.take() {
            self.leave_behind(life.unit, group);
        }
    }

    fn leave_behind(&mut self, unit: UnitId, group: Group) {
        // When there is no room, the directory goes with its virtual gateway.
        let _ = self.limbo.push(Remains { unit, group });
    }

    /// Counts and removes what can be removed by now.
    pub(super) fn tidy(&mut self) {
        let mut place = 0;
        while let Some(remains) = self.limbo.get(place) {
            let counters = remains.group.counters();
            if !remains.group.is_empty() || self.tree.remove(&remains.group).is_err() {
                place = place.saturating_add(1);
                continue;
            }
            let unit = self.limbo.swap_remove(place).unit;
            // What it used is the unit's, whichever life it was to be.
            if let Some(life) = self.core.unit(unit).map(Unit::life) {
                self.core.handle(Event::Spent { life, counters }, self.now);
            }
        }
        self.carry_out();
    }

    /// Whether a new life has to take the other of its unit's two cgroup names.
    pub(super) fn must_take_other_name(&mut self, unit: UnitId) -> bool {
        let UnitId::Bundle(..) = unit else {
            return false;
        };
        let of_lives = self.lives.iter_mut().filter_map(|one| one.group.as_ref());
        let taken = |group: &Group| group.is_first_of(unit);
        of_lives
            .chain(self.limbo.iter().map(|remains| &remains.group))
            .any(taken)
    }
}
