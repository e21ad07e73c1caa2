//! Frozen virtual gateways: every process held where it is
//!
//! The kernel holds whatever is born in the frozen tree too, so nothing is started there: bundles
//! whose restart is due wait as if their virtual gateway were gone. Deadlines that a unit's own
//! processes must meet stand still; a kill needs no thaw. What shall be frozen stays so over the
//! lives of the virtual gateway, until it is thawed or stopped.

use limen_proto::control::ControlError;
use limen_proto::id::{Slot, UnitId};

use super::effect::Effect;
use super::state::{Input, State};
use super::supervisor::Supervisor;
use super::unit::Unit;

impl Unit {
    /// Its processes are held from now on.
    pub(super) fn pause(&mut self, now: u64) {
        if self.state.pauses()
            && let Some(deadline) = self.deadline.take()
        {
            self.paused = Some(deadline.saturating_sub(now));
        }
    }

    /// Its processes were held since `since`.
    fn go_on(&mut self, since: u64, now: u64) {
        if let Some(left) = self.paused.take() {
            self.deadline = Some(now.saturating_add(left));
        }
        // Time in which nothing could fail proves nothing to the restart policy.
        let held = now.saturating_sub(since);
        self.active_since = self
            .active_since
            .map(|active| active.saturating_add(held).min(now));
    }
}

impl Supervisor {
    /// Whether the processes of a unit are held, or would be if it had any.
    pub(super) fn is_frozen(&self, id: UnitId) -> bool {
        let (UnitId::Vgw(slot) | UnitId::Bundle(slot, _)) = id else {
            return false;
        };
        self.unit(UnitId::Vgw(slot))
            .is_some_and(|vgw| vgw.frozen.is_some() && vgw.state == State::Active)
    }

    /// Freezes or thaws an active virtual gateway; what is so already changes nothing.
    pub(super) fn freeze(
        &mut self,
        slot: Slot,
        frozen: bool,
        now: u64,
    ) -> Result<(), ControlError> {
        let id = UnitId::Vgw(slot);
        let unit = self.unit_mut(id).ok_or(ControlError::Unknown)?;
        if unit.state != State::Active {
            return Err(ControlError::NoVgw);
        }
        if !frozen {
            self.thaw(slot, now);
            self.queue_bundles(slot, Input::Restored);
        } else if unit.frozen.is_none() {
            unit.frozen = Some(now);
            for unit in self.units.iter_mut().filter(|unit| lives_in(unit, slot)) {
                unit.pause(now);
            }
            self.push(Effect::Freeze(slot, true));
            self.push_report(id);
        }
        Ok(())
    }

    /// Thaws a virtual gateway in whatever state it is. Bundles that wait for it wait on: it may be
    /// about to end.
    pub(super) fn thaw(&mut self, slot: Slot, now: u64) {
        let id = UnitId::Vgw(slot);
        let Some(unit) = self.unit_mut(id) else {
            return;
        };
        let Some(since) = unit.frozen.take() else {
            return;
        };
        for unit in self.units.iter_mut().filter(|unit| lives_in(unit, slot)) {
            unit.go_on(since, now);
        }
        self.push(Effect::Freeze(slot, false));
        self.push_report(id);
    }

    /// Thaws everything: the box goes down in order.
    pub(super) fn thaw_all(&mut self, now: u64) {
        for place in 0..self.units.len() {
            if let Some(UnitId::Vgw(slot)) = self.units.get(place).map(|unit| unit.id) {
                self.thaw(slot, now);
            }
        }
    }
}

fn lives_in(unit: &Unit, slot: Slot) -> bool {
    matches!(unit.id, UnitId::Bundle(of, _) if of == slot)
}
