//! Parked virtual gateways: a start is only the opening
//!
//! What the steward asks to have parked is built while it is idle, as a spare (`spare` has the
//! table): namespaces, link, limits, firewall, reaper. Nothing else runs there, and the box has no
//! route to it. A start from the same spec takes it; another spec, a stop, the end of the box and the
//! removal of the record end it. What was opened once is never parked again: the stop of a virtual
//! gateway removes everything, and the next one is built.

use limen_proto::control::ControlError;
use limen_proto::id::UnitId;

use super::spare::{AFTER_MS, Spare};
use super::state::{Input, State};
use super::supervisor::Supervisor;
use super::unit::{Plan, Program, Unit};

impl Supervisor {
    /// Keeps an idle virtual gateway parked from now on.
    pub(super) fn park(
        &mut self,
        id: UnitId,
        program: Program,
        tag: u64,
        now: u64,
    ) -> Result<(), ControlError> {
        self.enlist(id, program, Plan::parked(), tag, now)?;
        self.mind_spare(id, now);
        self.push_report(id);
        Ok(())
    }

    /// What the present state of a virtual gateway means for its being parked.
    pub(super) fn mind_parked(&mut self, id: UnitId, now: u64) {
        let Some(unit) = self.unit_mut(id) else {
            return;
        };
        match (unit.state, unit.plan.spare, unit.spare) {
            (State::Idle, true, Spare::None) => {
                unit.spare = Spare::Due(now.saturating_add(AFTER_MS));
            }
            // A start waits for what is under way, and takes what is ready.
            (State::Idle, true, _) | (State::Awaiting, ..) => {}
            (_, _, Spare::Due(_)) => unit.spare = Spare::None,
            (State::Idle, false, _) => self.discard_spare(id, now, 0),
            _ => {}
        }
    }

    /// Nothing is left of what was parked.
    pub(super) fn end_parked(&mut self, id: UnitId, now: u64) {
        let Some(unit) = self.unit_mut(id) else {
            return;
        };
        let Spare::Ending { pause, .. } = unit.spare else {
            return;
        };
        unit.spare = match pause {
            0 => Spare::None,
            pause if unit.plan.spare => Spare::Due(now.saturating_add(pause)),
            _ => Spare::None,
        };
        self.mind_parked(id, now);
        self.queue(id, Input::Restored);
        self.push_report(id);
    }

    /// Ends everything that is parked: the box goes down.
    pub(super) fn clear_parked(&mut self, now: u64) {
        for place in 0..self.units.len() {
            if let Some(unit) = self.units.get_mut(place)
                && let id @ UnitId::Vgw(_) = unit.id
            {
                unit.plan.spare = false;
                if unit.state == State::Idle {
                    self.mind_parked(id, now);
                }
            }
        }
    }
}

impl Unit {
    /// Whether nothing of it is there.
    pub(super) fn is_bare(&self) -> bool {
        self.state == State::Idle
            && !(matches!(self.id, UnitId::Vgw(_)) && self.spare.is_under_way())
    }
}
