//! Inspections: limen-jail reads back what the kernel enforces on a unit that runs
//!
//! After every start, a moment later: outside of the start itself, and a program that crashes at once
//! costs nothing more. One at a time, so that a box that comes up pays for them one after the other.

use std::os::fd::OwnedFd;

use limen_proto::id::{UnitId, UnitRef};
use limen_proto::jail::{Built, Inspected, Task};
use limen_proto::posture::Compared;

use super::Shell;
use super::build::duplicate;
use super::errand::Purpose;
use crate::core::state::State;
use crate::core::supervisor::Event;
use crate::core::unit::Program;

/// From the execution of a program to the look at it, milliseconds: longer than a start of anything
/// that is measured.
const SETTLE_MS: u64 = 500;
/// The same of a hand, which ends when its work is done. One that is gone by then is not looked at.
const SETTLE_HAND_MS: u64 = 20;

impl Shell {
    /// A program of a life was executed.
    pub(super) fn plan_inspection(&mut self, life: UnitRef) {
        // What is parked is looked at when it is opened.
        let is_ahead = self.lives.is_ahead(life);
        let settle = match life.unit {
            UnitId::Hand(..) => SETTLE_HAND_MS,
            UnitId::Core(_) | UnitId::Vgw(_) | UnitId::Bundle(..) => SETTLE_MS,
        };
        let due = self.now.saturating_add(settle);
        if let Some(books) = self.lives.get(life).filter(|_| !is_ahead) {
            books.inspection = Some(due);
        }
    }

    /// When the next one is due; while one is under way, the next waits for its end.
    pub(super) fn next_inspection(&self) -> Option<u64> {
        let lives = self.lives.iter().filter_map(|books| books.inspection);
        lives.min().filter(|_| !self.inspecting)
    }

    /// Begins the first one that is due.
    pub(super) fn inspect_due(&mut self) {
        let now = self.now;
        if self.inspecting {
            return;
        }
        let due = |books: &&mut super::life::Life| books.inspection.is_some_and(|due| due <= now);
        let Some(books) = self.lives.iter_mut().find(due) else {
            return;
        };
        // Until a core program has served for a moment it has not taken what init hands it, and a start may
        // wait for the disk.
        let unit = self.core.unit(books.unit);
        let unit = unit.filter(|unit| matches!(unit.id, UnitId::Core(_)));
        let later = unit.and_then(|unit| match unit.state {
            State::Readying => Some(now.saturating_add(SETTLE_MS)),
            _ => unit
                .active_since
                .map(|since| since.saturating_add(SETTLE_MS)),
        });
        if let Some(later) = later.filter(|later| *later > now) {
            books.inspection = Some(later);
            return;
        }
        books.inspection = None;
        let life = UnitRef {
            unit: books.unit,
            generation: books.generation,
        };
        let main = books.main.as_ref();
        let Some((process, pidfd)) =
            main.and_then(|main| Some((main.pid, duplicate(&main.process).ok()?)))
        else {
            return;
        };
        self.inspect(life, process, &pidfd);
    }

    fn inspect(&mut self, life: UnitRef, process: u32, pidfd: &OwnedFd) {
        let reaper = match life.unit {
            UnitId::Bundle(slot, _) => {
                let books = self.lives.of(UnitId::Vgw(slot));
                books.and_then(|books| books.main.as_ref().map(|main| main.pid))
            }
            UnitId::Core(_) | UnitId::Vgw(_) | UnitId::Hand(..) => None,
        };
        let unit = match self.core.unit(life.unit).map(|record| &record.program) {
            Some(Program::Core(number)) => {
                let entry = self.table.units.get(usize::from(*number));
                entry.cloned().map(Built::Core)
            }
            Some(Program::Vgw(spec)) => Some(Built::Vgw(spec.clone())),
            Some(Program::Bundle(spec)) => Some(Built::Bundle(spec.clone())),
            Some(Program::Hand(number, slot)) => {
                let entry = self.table.units.get(usize::from(*number)).cloned();
                let run = match life.unit {
                    UnitId::Hand(_, run) => run,
                    UnitId::Core(_) | UnitId::Vgw(_) | UnitId::Bundle(..) => return,
                };
                entry.map(|entry| Built::Hand(entry, *slot, run))
            }
            None => None,
        };
        let Some(unit) = unit else { return };
        let group = self.lives.get(life).and_then(|books| books.group.as_ref());
        let task = Task::Inspect(Inspected {
            process,
            reaper: reaper.unwrap_or_default(),
            second_name: match life.unit {
                UnitId::Bundle(..) => group.is_some_and(|group| group.is_of(life.unit, true)),
                UnitId::Core(_) | UnitId::Vgw(_) | UnitId::Hand(..) => false,
            },
            unit,
        });
        self.inspecting = true;
        self.send_out(Purpose::Inspect(life), &task, Some(pidfd));
    }

    /// limen-jail has compared a unit.
    pub(super) fn inspected(&mut self, life: UnitRef, compared: Compared) {
        self.core
            .handle(Event::Inspected { life, compared }, self.now);
    }
}
