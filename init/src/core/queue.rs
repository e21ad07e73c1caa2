//! The queue at limen-jail: lives that wait to be built
//!
//! One limen-jail builds one life after the other, so a life waits for all that were asked for before
//! it. Its deadline begins anew with each of them: what it bounds is how long limen-jail takes for one.
//! When that is too long, the life that expires fails, and limen-jail is left for another.
//!
//! A limen-jail that ends by itself takes the queue with it. Whoever waited did not fail, and is built
//! again, whatever its restart policy says; once, so that a life whose task ends every limen-jail comes to
//! an end. A hand's descriptors go with its task, so it fails.

use limen_proto::id::{UnitId, UnitRef};

use super::effect::Effect;
use super::spare::Spare;
use super::state::{Input, State};
use super::supervisor::Supervisor;
use super::unit::BUILD_WITHIN_MS;

impl Supervisor {
    /// limen-jail has come further: whoever waits for it waits on.
    pub(super) fn wait_on_for_jail(&mut self, now: u64) {
        let until = now.saturating_add(u64::from(BUILD_WITHIN_MS));
        for unit in &mut self.units {
            if unit.state == State::Building
                && let Some(deadline) = &mut unit.deadline
            {
                *deadline = until;
            }
            if let Spare::Building(_, deadline) = &mut unit.spare {
                *deadline = until;
            }
        }
    }

    /// Leaves a limen-jail that a life has waited for in vain.
    pub(super) fn leave_jail_if_stuck(&mut self, now: u64) {
        let waits_in_vain = self.units.iter().any(|unit| {
            let building = match unit.state {
                State::Building => unit.deadline,
                _ => None,
            };
            let ahead = match unit.spare {
                Spare::Building(_, deadline) => Some(deadline),
                _ => None,
            };
            building.into_iter().chain(ahead).any(|until| until <= now)
        });
        if waits_in_vain {
            self.push(Effect::LeaveJail);
        }
    }

    /// limen-jail ended before it came to this life.
    pub(super) fn build_again(&mut self, life: UnitRef, now: u64) {
        let Some(unit) = self.living(life) else {
            return;
        };
        let waits = matches!(unit.state, State::Building | State::Executing);
        let again = waits && !unit.given_again && !matches!(unit.id, UnitId::Hand(..));
        unit.given_again |= again;
        unit.failed = None;
        let input = if again { Input::Lost } else { Input::Failed };
        self.turn(life.unit, input, now);
    }
}
