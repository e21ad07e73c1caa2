//! One step of the table, carried through
//!
//! The table says what is next and which act leads there; here is what the acts mean: numbers,
//! effects, and inputs to other units. Nothing is decided here that the table could decide.

use limen_proto::account::Era;
use limen_proto::id::{Generation, UnitId, UnitRef};
use limen_proto::state::Fault;
use limen_proto::table::Role;

use super::effect::Effect;
use super::machine::{Act, Turn, step};
use super::state::{After, Input, State};
use super::supervisor::Supervisor;
use super::unit::Unit;

impl Supervisor {
    /// Whether what a unit lives in is there.
    pub(super) fn home(&self, id: UnitId) -> bool {
        match id {
            UnitId::Bundle(slot, _) => self
                .unit(UnitId::Vgw(slot))
                .is_some_and(|vgw| vgw.state == State::Active && vgw.frozen.is_none()),
            // Two lives of a virtual gateway have no room beside each other.
            UnitId::Core(_) | UnitId::Vgw(_) | UnitId::Hand(..) => {
                self.unit(id).is_none_or(|unit| {
                    let prepared = self.prepared || !unit.plan.networked;
                    prepared && !self.is_held(unit) && !unit.spare.is_under_way()
                })
            }
        }
    }

    /// One step of the table for one unit.
    pub(super) fn turn(&mut self, id: UnitId, input: Input, now: u64) {
        let home = self.home(id);
        let ending = self.ending();
        let Some(unit) = self.unit_mut(id) else {
            return;
        };
        if matches!(input, Input::Ended | Input::Expired) {
            unit.settle_attempts(now);
        }
        let before = unit.state;
        let shown = (unit.seen(), unit.fault, unit.generation);
        let facts = unit.facts(home, ending);
        let turn = step(before, input, facts);
        if let Some(fault) = turn.fault {
            unit.fault = match fault {
                _ if given_up(before, turn) && unit.plan.restart.enable && !ending => {
                    Fault::UnStartable
                }
                Fault::FailureOnStart | Fault::FailureWhileActive if unit.starved => {
                    Fault::OutOfMemory
                }
                Fault::FailureOnStart => unit.plan.start_fault,
                other => other,
            };
        }
        unit.state = turn.next;
        self.perform(id, turn.act, now);
        if turn.next != before || turn.act == Act::ClearAgain {
            self.enter(id, input, now);
        }
        let Some(unit) = self.unit(id) else { return };
        let changed = shown != (unit.seen(), unit.fault, unit.generation);
        if changed || turn.act == Act::Note {
            self.push_report(id);
        }
    }

    /// Lets the shell take a unit's report. When it does, the unit may have gone on: what is taken
    /// is its latest, once.
    pub(super) fn push_report(&mut self, id: UnitId) {
        if let Some(unit) = self.unit_mut(id) {
            unit.unreported = true;
            self.push(Effect::Report(id));
        }
    }

    fn perform(&mut self, id: UnitId, act: Act, now: u64) {
        let Some(life) = self.unit(id).map(Unit::life) else {
            return;
        };
        match act {
            Act::Nothing | Act::Note | Act::Move => {}
            Act::Confirm => self.confirm(id, now),
            Act::Activate => self.activate(id, now),
            Act::ConfirmAndActivate => {
                self.confirm(id, now);
                self.activate(id, now);
            }
            Act::Drain => {
                if let UnitId::Vgw(slot) = id {
                    self.queue_bundles(slot, Input::Stop);
                }
            }
            Act::Terminate => self.push(Effect::Terminate(life)),
            Act::Clear => {
                self.end(id);
                self.push(Effect::Clear(life));
            }
            Act::ClearAgain => self.push(Effect::Clear(life)),
            Act::Release => self.release(id),
            Act::ReleaseAndRemove => {
                self.release(id);
                self.push(Effect::Remove(life));
            }
        }
    }

    /// What entering a state means, whatever led there.
    fn enter(&mut self, id: UnitId, input: Input, now: u64) {
        let (ending, seed) = (self.ending(), self.seed);
        let building = self
            .unit(id)
            .is_some_and(|unit| unit.state == State::Building);
        let taken = building && self.take_spare(id);
        let Some(unit) = self.unit_mut(id) else {
            return;
        };
        match unit.state {
            State::Building if taken => {}
            State::Building => {
                self.generation = self.generation.saturating_add(1);
                let generation = Generation(self.generation);
                // Only a bundle's home can be lost; what else waited has not begun yet.
                let first = input == Input::Start
                    || (input == Input::Restored && !matches!(id, UnitId::Bundle(..)));
                self.begin(id, generation, first);
            }
            State::Waiting => unit.attempts = unit.attempts.saturating_add(1),
            State::Idle => self.rest(id),
            State::Executing
            | State::Readying
            | State::Active
            | State::Draining
            | State::Terminating
            | State::Clearing(_)
            | State::Removing(_)
            | State::Awaiting => {}
        }
        self.mind_spare(id, now);
        let frozen = self.is_frozen(id);
        if let Some(unit) = self.unit_mut(id) {
            unit.set_deadline(now, ending, seed);
            if frozen {
                unit.pause(now);
            }
        }
    }

    /// A new life begins.
    fn begin(&mut self, id: UnitId, generation: Generation, asked: bool) {
        let Some(unit) = self.unit_mut(id) else {
            return;
        };
        unit.generation = generation;
        unit.failed = None;
        unit.starved = false;
        if asked {
            unit.fault = Fault::NoFault;
        } else {
            unit.count_restart();
        }
        let life = unit.life();
        self.push(Effect::Build(life));
        if let (UnitId::Bundle(..), Some(broker)) = (id, self.live(Role::Broker)) {
            self.push(Effect::Listener(broker, life));
        }
        self.introduce(life);
    }

    /// The first life of a record begins: it gets its number, and the logger its log.
    pub(super) fn introduce(&mut self, life: UnitRef) {
        let boot = self.boot;
        let Some(unit) = self.unit_mut(life.unit).filter(|unit| unit.era == Era(0)) else {
            return;
        };
        unit.era = boot.of(life.generation);
        let silent = unit.plan.role == Some(Role::Logger);
        if let (false, Some(logger)) = (silent, self.live(Role::Logger)) {
            self.push(Effect::Source(logger, life.unit));
        }
    }

    /// The program serves.
    fn activate(&mut self, id: UnitId, now: u64) {
        if let Some(unit) = self.unit_mut(id) {
            unit.active_since = Some(now);
            unit.fault = Fault::NoFault;
            unit.given_again = false;
        }
        if let UnitId::Vgw(slot) = id {
            if self.is_frozen(id) {
                self.push(Effect::Freeze(slot, true));
            } else {
                self.queue_bundles(slot, Input::Restored);
            }
        }
        let core = |unit: &&Unit| matches!(unit.id, UnitId::Core(_));
        if !self.core_active
            && self
                .units
                .iter()
                .filter(core)
                .all(|unit| unit.state == State::Active)
        {
            self.core_active = true;
            self.push(Effect::CoreActive);
        }
    }

    /// A life is over, although some of it may still breathe.
    fn end(&mut self, id: UnitId) {
        let Some(unit) = self.unit_mut(id) else {
            return;
        };
        unit.live = false;
        unit.active_since = None;
        let life = unit.life();
        match id {
            UnitId::Vgw(slot) => self.queue_bundles(slot, Input::Lost),
            UnitId::Bundle(..) => self.end_bundle(life),
            UnitId::Core(_) | UnitId::Hand(..) => {}
        }
    }

    /// Nothing of a life is left.
    fn release(&mut self, id: UnitId) {
        if let Some(unit) = self.unit_mut(id) {
            unit.pid = 0;
            let life = unit.life();
            let frozen = unit.frozen.is_some();
            self.push(Effect::Release(life));
            // A cgroup stays frozen when all in it are dead: the next life would be born so.
            if let (UnitId::Vgw(slot), true) = (id, frozen) {
                self.push(Effect::Freeze(slot, false));
            }
        }
    }

    /// A unit rests. Bundles that wait for a virtual gateway which will not come back rest too.
    fn rest(&mut self, id: UnitId) {
        if let UnitId::Vgw(slot) = id {
            self.queue_bundles(slot, Input::Stop);
        }
    }
}

/// Whether a life that failed by itself is not followed by another one.
fn given_up(before: State, turn: Turn) -> bool {
    let starting_or_active = matches!(
        before,
        State::Building | State::Executing | State::Readying | State::Active
    );
    starting_or_active && turn.act == Act::Clear && turn.next == State::Clearing(After::Idle)
}
