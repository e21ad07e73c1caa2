//! The way down: who ends before whom
//!
//! Bundles and hands, then virtual gateways, then the outward face, the inward face, the steward,
//! and last the rest, so that whoever reports a unit's end outlives it. Each unit is asked, waited
//! for and then killed; the whole is bounded by [`ENDING_MS`], after which everything is killed at
//! once. No unit is restarted on the way.

use limen_proto::id::UnitId;
use limen_proto::table::Role;

use super::effect::Effect;
use super::state::Input;
use super::supervisor::Supervisor;
use super::unit::Unit;

/// Longest orderly way down, milliseconds. Syncing the disk comes on top; 15 s is the promise.
pub const ENDING_MS: u64 = 12_000;
/// Time for the last kill to take effect, milliseconds.
const LAST_MS: u64 = 500;

/// Who is being ended now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Tenants,
    Vgws,
    Management,
    Broker,
    Steward,
    Rest,
    Kill,
    Done,
}

impl Phase {
    const fn next(self) -> Self {
        match self {
            Self::Tenants => Self::Vgws,
            Self::Vgws => Self::Management,
            Self::Management => Self::Broker,
            Self::Broker => Self::Steward,
            Self::Steward => Self::Rest,
            Self::Rest | Self::Kill | Self::Done => Self::Done,
        }
    }

    fn holds(self, unit: &Unit) -> bool {
        let role = unit.plan.role;
        match self {
            Self::Tenants => matches!(unit.id, UnitId::Bundle(..) | UnitId::Hand(..)),
            Self::Vgws => matches!(unit.id, UnitId::Vgw(_)),
            Self::Management => role == Some(Role::Management),
            Self::Broker => role == Some(Role::Broker),
            Self::Steward => role == Some(Role::Steward),
            Self::Rest | Self::Kill => true,
            Self::Done => false,
        }
    }
}

/// The box is going down.
#[derive(Debug, Clone, Copy)]
pub struct Ending {
    reboot: bool,
    phase: Phase,
    deadline: u64,
}

impl Ending {
    /// When patience ends; none when it has.
    pub(super) fn deadline(&self) -> Option<u64> {
        (self.phase != Phase::Done).then_some(self.deadline)
    }
}

impl Supervisor {
    /// Starts the way down; a second request changes nothing.
    pub(super) fn begin_ending(&mut self, reboot: bool, now: u64) {
        let ending = Ending {
            reboot,
            phase: Phase::Tenants,
            deadline: now.saturating_add(ENDING_MS),
        };
        if self.ending.push(ending).is_err() {
            return;
        }
        self.thaw_all(now);
        self.clear_parked(now);
        self.stop_phase(Phase::Tenants);
    }

    /// Goes on when the present phase is done or patience is at its end. Returns whether anything
    /// changed.
    pub(super) fn advance_ending(&mut self, now: u64) -> bool {
        let Some(ending) = self.ending.first().copied() else {
            return false;
        };
        let phase = ending.phase;
        if phase == Phase::Done {
            return false;
        }
        let over = !self
            .units
            .iter()
            .any(|unit| phase.holds(unit) && !unit.is_bare());
        if over {
            self.change_phase(phase.next(), ending.deadline);
            return true;
        }
        if now < ending.deadline {
            return false;
        }
        if phase == Phase::Kill {
            self.change_phase(Phase::Done, ending.deadline);
        } else {
            self.change_phase(Phase::Kill, now.saturating_add(LAST_MS));
            self.clear_everything();
        }
        true
    }

    fn change_phase(&mut self, phase: Phase, deadline: u64) {
        let Some(ending) = self.ending.first_mut() else {
            return;
        };
        ending.phase = phase;
        ending.deadline = deadline;
        let reboot = ending.reboot;
        match phase {
            Phase::Done => self.push(Effect::Finish { reboot }),
            Phase::Kill => {}
            Phase::Tenants
            | Phase::Vgws
            | Phase::Management
            | Phase::Broker
            | Phase::Steward
            | Phase::Rest => self.stop_phase(phase),
        }
    }

    fn stop_phase(&mut self, phase: Phase) {
        for place in 0..self.units.len() {
            if let Some(unit) = self.units.get(place)
                && phase.holds(unit)
            {
                let id = unit.id;
                self.queue(id, Input::Stop);
            }
        }
    }

    fn clear_everything(&mut self) {
        for place in 0..self.units.len() {
            if let Some(unit) = self.units.get(place)
                && unit.state.occupied()
            {
                let life = unit.life();
                self.push(Effect::Clear(life));
            }
        }
    }
}
