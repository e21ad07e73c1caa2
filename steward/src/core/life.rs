//! Moves of a virtual gateway: started, stopped, restarted, frozen, thawed
//!
//! ```text
//! move      not when                                 shall run  frozen  serial  answered when
//! start     it runs, or tries to                     yes        no      +1      up
//! stop      it is stopped                            no         no              down
//! restart   it is stopped                            yes        no      +1      up
//! freeze    it is stopped, frozen, or not active     yes        yes             held
//! thaw      it is not frozen                                    no              held
//! ```
//!
//! A record is changed and written down here; `reconcile` has init do it.

use limen_proto::id::UnitId;
use limen_proto::state::UnitState;

use super::audit::event;
use super::calls::Asking;
use super::desired::{Change, VgwRecord};
use super::refusal::conflict;
use super::turn::Turn;
use super::units::Unit;
use super::vgws::{isolated, standing};
use super::wait::{BUILD_MS, Form, Goal, STOP_VGW_MS};
use super::{Outcome, Steward};

/// What becomes of a virtual gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Move {
    Start,
    Stop,
    Restart,
    Freeze,
    Thaw,
}

impl Move {
    /// What of its present state stands against it, in words.
    fn obstacle(self, vgw: &VgwRecord, unit: &Unit) -> Option<&'static str> {
        let trying = unit.refused.is_none() && unit.state() != UnitState::Idle;
        let active = unit.state() == UnitState::Active;
        match self {
            Self::Start if vgw.enabled && (trying || unit.asked.is_some()) => {
                Some("already started")
            }
            Self::Stop if !vgw.enabled => Some("already stopped"),
            Self::Restart if !vgw.enabled => Some("stopped; start it"),
            Self::Freeze if !vgw.enabled => Some("stopped; nothing of it runs"),
            Self::Freeze if vgw.frozen => Some("already frozen"),
            Self::Freeze if !active => Some("not active yet; try again when it is"),
            Self::Thaw if !vgw.frozen => Some("not frozen"),
            Self::Start | Self::Stop | Self::Restart | Self::Freeze | Self::Thaw => None,
        }
    }

    fn apply(self, vgw: &mut VgwRecord) {
        vgw.frozen = self == Self::Freeze;
        match self {
            Self::Start => {
                vgw.enabled = true;
                vgw.serial += 1;
            }
            Self::Stop => vgw.enabled = false,
            Self::Restart => vgw.serial += 1,
            Self::Freeze | Self::Thaw => {}
        }
    }

    /// As the audit trail says it, and what the caller waits for.
    const fn told(self) -> (&'static str, fn(UnitId) -> Goal) {
        match self {
            Self::Start => ("started the virtual gateway", Goal::Up),
            Self::Stop => ("stopped the virtual gateway", Goal::Down),
            Self::Restart => ("restarted the virtual gateway", Goal::Up),
            Self::Freeze => ("froze the virtual gateway", Goal::Held),
            Self::Thaw => ("thawed the virtual gateway", Goal::Held),
        }
    }
}

impl Steward {
    pub(super) fn move_vgw(
        &mut self,
        turn: &mut Turn<'_>,
        asking: &Asking,
        mut vgw: VgwRecord,
        to: Move,
    ) -> Outcome {
        standing(&vgw)?;
        let id = UnitId::Vgw(vgw.slot);
        if let Some(why) = to.obstacle(&vgw, &self.units.get(id)) {
            return Err(conflict(format!(
                "the virtual gateway of {} is {why}",
                vgw.provider
            )));
        }
        if matches!(to, Move::Start | Move::Restart) {
            isolated(turn)?;
        }
        to.apply(&mut vgw);
        let (text, goal) = to.told();
        let draft = event(turn.now, &asking.actor(), Some(&vgw.provider), text, "");
        self.commit_with(turn, draft, vec![Change::Vgw(vgw)])?;
        self.units.may_adjust(id);
        let until = turn.now.monotonic_ms + STOP_VGW_MS + BUILD_MS;
        self.waiters.add(asking.call, goal(id), Form::Done, until);
        Ok(None)
    }
}
