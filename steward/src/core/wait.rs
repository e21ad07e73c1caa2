//! Callers that wait for the world
//!
//! A verb changes what shall be at once; its answer comes when the world followed, when the world
//! failed, or at the deadline, whichever is first. There is always one of the three.

use limen_proto::id::{BundleIndex, Slot, UnitId};
use limen_proto::manage::{Answer, Changed, Refusal};
use limen_proto::state::UnitState;

use super::Steward;
use super::desired::Phase;
use super::refusal::{failed, unavailable};
use super::spec::{bundle_tag, vgw_tag};
use super::turn::Turn;
use super::units::{Attempt, passes};

/// Longest wait for the logger's answer, milliseconds.
pub(super) const READ_MS: u64 = 5_000;
/// What a start may take besides the unit's own time to become ready, milliseconds: building a
/// sandbox on a slow, loaded box.
pub(super) const BUILD_MS: u64 = 30_000;
/// Longest wait for a virtual gateway to end with all its bundles, milliseconds.
pub(super) const STOP_VGW_MS: u64 = 60_000;
/// Longest wait for a removal, milliseconds.
pub(super) const REMOVE_MS: u64 = 180_000;

/// What a caller waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    /// The unit is active under the tag that shall run.
    Up(UnitId),
    /// The unit is idle.
    Down(UnitId),
    /// The record of the virtual gateway is gone.
    Removed(Slot),
    /// The bundle's uninstallation came to its end.
    Uninstalled(Slot, BundleIndex),
    /// The running virtual gateway is held to its contract.
    Adjusted(Slot),
    /// The virtual gateway is frozen, or thawed, as it shall be.
    Held(UnitId),
    /// The logger answered this request.
    Lines(u32),
}

/// What the answer looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// `Done`, or a refusal when the unit failed.
    Done,
    /// What of a changed contract needs a restart.
    Changed(Changed),
    /// The virtual gateway or bundle as it is then, failed or not.
    View,
}

#[derive(Debug, Clone)]
struct Waiter {
    call: u32,
    goal: Goal,
    form: Form,
    until_ms: u64,
}

/// All of them. Bounded by what mgmt lets its clients ask at once.
#[derive(Debug, Default)]
pub(super) struct Waiters(Vec<Waiter>);

/// How far a goal is.
enum Progress {
    Pending,
    Reached,
    Failed(String),
}

impl Waiters {
    pub(super) fn add(&mut self, call: u32, goal: Goal, form: Form, until_ms: u64) {
        self.0.push(Waiter {
            call,
            goal,
            form,
            until_ms,
        });
    }

    pub(super) fn deadline_ms(&self) -> Option<u64> {
        self.0.iter().map(|waiter| waiter.until_ms).min()
    }

    pub(super) fn forget_calls(&mut self) {
        self.0.clear();
    }

    /// The call that waited for this answer of the logger.
    pub(super) fn take_lines(&mut self, id: u32) -> Option<u32> {
        let place = self
            .0
            .iter()
            .position(|waiter| waiter.goal == Goal::Lines(id))?;
        Some(self.0.swap_remove(place).call)
    }
}

impl Steward {
    pub(super) fn waiters_settle(&mut self, turn: &mut Turn<'_>) {
        let waiting = std::mem::take(&mut self.waiters.0);
        for waiter in waiting {
            let (call, late) = (waiter.call, turn.now.monotonic_ms >= waiter.until_ms);
            let result = match self.progress(waiter.goal) {
                Progress::Pending if !late => {
                    self.waiters.0.push(waiter);
                    continue;
                }
                Progress::Pending => self.late(turn, waiter),
                Progress::Reached => self.answer(turn, waiter),
                Progress::Failed(_) if waiter.form == Form::View => self.answer(turn, waiter),
                Progress::Failed(why) => Err(failed(why)),
            };
            self.reply(turn, Some(call), result);
        }
    }

    fn progress(&self, goal: Goal) -> Progress {
        match goal {
            Goal::Up(UnitId::Vgw(slot)) => self.vgw_up(slot),
            Goal::Up(UnitId::Bundle(slot, index)) => self.bundle_up(slot, index),
            Goal::Up(UnitId::Core(_) | UnitId::Hand(..)) => Progress::Reached,
            Goal::Down(unit) => {
                if self.units.get(unit).is_down() {
                    Progress::Reached
                } else {
                    Progress::Pending
                }
            }
            Goal::Removed(slot) => match self.desired.vgws.get(&slot) {
                None => Progress::Reached,
                Some(_) => self.failure_of(slot),
            },
            Goal::Uninstalled(slot, index) => match self.desired.bundles.get(&(slot, index)) {
                Some(bundle) if bundle.is_leaving() => self.failure_of(slot),
                Some(_) | None => Progress::Reached,
            },
            Goal::Adjusted(slot) => self.contract_in_force(slot),
            Goal::Held(unit) => self.held(unit),
            Goal::Lines(_) => Progress::Pending,
        }
    }

    fn contract_in_force(&self, slot: Slot) -> Progress {
        let unit = self.units.get(UnitId::Vgw(slot));
        match self.desired.vgws.get(&slot) {
            None => Progress::Failed("the virtual gateway was removed".to_owned()),
            // One that does not run is started from the new contract.
            Some(vgw) if !vgw.adjust || unit.is_down() => Progress::Reached,
            Some(_) => match unit.balked {
                Some(error) => Progress::Failed(format!(
                    "the contract was noted, but the running virtual gateway could not be adjusted ({error}); restart it to put the contract in force"
                )),
                None => Progress::Pending,
            },
        }
    }

    fn held(&self, id: UnitId) -> Progress {
        let vgw = id.slot().and_then(|slot| self.desired.vgws.get(&slot));
        let (unit, Some(vgw)) = (self.units.get(id), vgw) else {
            return Progress::Failed("the virtual gateway was removed".to_owned());
        };
        let held = unit.report.is_some_and(|report| report.frozen);
        match unit.balked {
            // One that does not run is frozen when it does.
            _ if unit.is_down() || held == vgw.frozen => Progress::Reached,
            Some(error) => Progress::Failed(format!("init refused: {error}")),
            None => Progress::Pending,
        }
    }

    fn failure_of(&self, slot: Slot) -> Progress {
        self.jobs
            .failure(slot)
            .map_or(Progress::Pending, |why| Progress::Failed(why.to_owned()))
    }

    fn vgw_up(&self, slot: Slot) -> Progress {
        let Some(vgw) = self.desired.vgws.get(&slot) else {
            let why = self.jobs.failure(slot).unwrap_or("it was removed");
            return Progress::Failed(why.to_owned());
        };
        match vgw.phase {
            Phase::Emptying => Progress::Pending,
            Phase::Removing => Progress::Failed("it is being removed".to_owned()),
            Phase::Standing if !vgw.enabled => Progress::Failed("it was stopped".to_owned()),
            Phase::Standing => self.unit_up(UnitId::Vgw(slot), vgw_tag(vgw)),
        }
    }

    fn bundle_up(&self, slot: Slot, index: BundleIndex) -> Progress {
        let Some(bundle) = self.desired.bundles.get(&(slot, index)) else {
            return Progress::Failed("it was uninstalled".to_owned());
        };
        let runs = self
            .desired
            .vgws
            .get(&slot)
            .is_some_and(|vgw| vgw.enabled && vgw.phase == Phase::Standing);
        if !runs {
            return Progress::Failed("its virtual gateway is stopped".to_owned());
        }
        if !bundle.enabled {
            return Progress::Failed("it was stopped".to_owned());
        }
        match bundle_tag(bundle) {
            Ok(tag) => self.unit_up(UnitId::Bundle(slot, index), tag),
            Err(why) => Progress::Failed(why),
        }
    }

    fn unit_up(&self, id: UnitId, tag: u64) -> Progress {
        let unit = self.units.get(id);
        let trouble = || {
            unit.trouble(tag)
                .unwrap_or_else(|| "its program ended".to_owned())
        };
        if unit.asked.is_none() && unit.refused.is_some_and(|error| !passes(error)) {
            return Progress::Failed(trouble());
        }
        if !unit.carries(tag) {
            return Progress::Pending;
        }
        match unit.state() {
            UnitState::Active => Progress::Reached,
            UnitState::Starting | UnitState::Stopping => Progress::Pending,
            UnitState::Restarting => Progress::Failed(trouble()),
            // A start under this tag that is still to come: its virtual gateway began a new life.
            UnitState::Idle | UnitState::Parked
                if unit.asked.is_some() || self.will_start(id, tag) =>
            {
                Progress::Pending
            }
            UnitState::Idle | UnitState::Parked => Progress::Failed(trouble()),
        }
    }

    fn will_start(&self, id: UnitId, tag: u64) -> bool {
        let (UnitId::Bundle(slot, _), unit) = (id, self.units.get(id)) else {
            return false;
        };
        let Some(home) = self.units.get(UnitId::Vgw(slot)).report else {
            return true;
        };
        home.state != UnitState::Active
            || unit.attempt
                != Some(Attempt {
                    tag,
                    within: home.unit.generation,
                })
    }

    fn late(&mut self, turn: &mut Turn<'_>, waiter: Waiter) -> Result<Answer, Refusal> {
        match (waiter.goal, &waiter.form) {
            (Goal::Up(_), Form::View) => self.answer(turn, waiter),
            (Goal::Up(unit) | Goal::Down(unit), _) => Err(unavailable(format!(
                "it is still {}; it goes on in the background, look again later",
                self.units.get(unit).state()
            ))),
            (Goal::Removed(_) | Goal::Uninstalled(..), _) => Err(unavailable(
                "the removal takes longer than usual; it goes on in the background, look again later",
            )),
            (Goal::Adjusted(_), _) => Err(unavailable(
                "the contract was noted, and is being put in force; look again later",
            )),
            (Goal::Held(_), _) => Err(unavailable(
                "it was noted, and is done when the virtual gateway is active; look again later",
            )),
            (Goal::Lines(_), _) => Err(unavailable(
                "the log program did not answer in time; try again",
            )),
        }
    }

    fn answer(&mut self, turn: &mut Turn<'_>, waiter: Waiter) -> Result<Answer, Refusal> {
        match waiter.form {
            Form::Done => return Ok(Answer::Done),
            Form::Changed(changed) => return Ok(Answer::Changed(changed)),
            Form::View => {}
        }
        let view = match waiter.goal {
            Goal::Up(UnitId::Vgw(slot)) => {
                let record = self.desired.vgws.get(&slot).cloned();
                record.map(|vgw| Answer::Vgw(self.vgw_view(turn, &vgw)))
            }
            Goal::Up(UnitId::Bundle(slot, index)) => {
                self.bundle_view(turn, slot, index).map(Answer::Bundle)
            }
            Goal::Up(UnitId::Core(_) | UnitId::Hand(..))
            | Goal::Down(_)
            | Goal::Removed(_)
            | Goal::Uninstalled(..)
            | Goal::Adjusted(_)
            | Goal::Held(_)
            | Goal::Lines(_) => Some(Answer::Done),
        };
        view.ok_or_else(|| match self.progress(waiter.goal) {
            Progress::Failed(why) => failed(why),
            Progress::Pending | Progress::Reached => failed("it is gone"),
        })
    }
}
