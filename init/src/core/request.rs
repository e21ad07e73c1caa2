//! Requests: which end may ask for what, and what it does
//!
//! | verb                                                                                  | roles   | descriptors |
//! |---------------------------------------------------------------------------------------|---------|-------------|
//! | `Ready`, `Watchdog`                                                                   | any     | 0           |
//! | `StartVgw`, `StartBundle`, `Stop`, `Adjust`, `Forget`, `List`, `Shutdown`, `Kill`, `Freeze`, `Count`, `Park` | steward | 0 |
//! | `StartHand`                                                                           | steward | 2           |
//! | `Store`                                                                               | broker  | 1           |
//! | `Drop`                                                                                | broker  | 0           |
//!
//! The role is the one of the unit at whose control socket the request arrived. The steward rules
//! virtual gateways, bundles and hands; of core units it may only kill the process, which their
//! policy then restarts: the core cannot be stopped from inside the core.

use limen_proto::control::{ControlError, Verb};
use limen_proto::id::{UnitId, UnitRef};
use limen_proto::table::Role;

use super::effect::Effect;
use super::state::{Input, State};
use super::store::Record;
use super::supervisor::{Event, Supervisor};
use super::unit::{Plan, Program, Unit};

/// Whether a role has a verb.
const fn allows(role: Role, verb: &Verb) -> bool {
    match verb {
        Verb::Ready | Verb::Watchdog => true,
        Verb::StartVgw { .. }
        | Verb::StartBundle { .. }
        | Verb::StartHand { .. }
        | Verb::Stop { .. }
        | Verb::Adjust { .. }
        | Verb::Forget { .. }
        | Verb::List
        | Verb::Shutdown { .. }
        | Verb::Kill { .. }
        | Verb::Freeze { .. }
        | Verb::Count { .. }
        | Verb::Park { .. } => matches!(role, Role::Steward),
        Verb::Store { .. } | Verb::Drop { .. } => matches!(role, Role::Broker),
    }
}

/// How many descriptors ride with a verb.
const fn descriptors(verb: &Verb) -> usize {
    match verb {
        Verb::StartHand { .. } => 2,
        Verb::Store { .. } => 1,
        Verb::Ready
        | Verb::Watchdog
        | Verb::StartVgw { .. }
        | Verb::StartBundle { .. }
        | Verb::Stop { .. }
        | Verb::Adjust { .. }
        | Verb::Forget { .. }
        | Verb::List
        | Verb::Shutdown { .. }
        | Verb::Kill { .. }
        | Verb::Freeze { .. }
        | Verb::Count { .. }
        | Verb::Park { .. }
        | Verb::Drop { .. } => 0,
    }
}

impl Supervisor {
    /// Takes one request of the life `from`, with which `attached` descriptors rode.
    ///
    /// When it is accepted, the shell keeps the descriptors (a hand's, a stored one) before it
    /// carries out the effects.
    ///
    /// # Errors
    /// Why it was refused; then nothing has changed.
    pub fn request(
        &mut self,
        from: UnitRef,
        verb: Verb,
        attached: usize,
        now: u64,
    ) -> Result<(), ControlError> {
        self.sweep();
        let role = self
            .living(from)
            .and_then(|unit| unit.plan.role)
            .ok_or(ControlError::Forbidden)?;
        if !allows(role, &verb) {
            return Err(ControlError::Forbidden);
        }
        if descriptors(&verb) != attached {
            return Err(ControlError::Descriptors);
        }
        self.obey(from, verb, now)?;
        self.settle(now);
        Ok(())
    }

    fn obey(&mut self, from: UnitRef, verb: Verb, now: u64) -> Result<(), ControlError> {
        match verb {
            Verb::Ready => self.handle(Event::Ready(from), now),
            Verb::Watchdog => self.handle(Event::Alive(from), now),
            Verb::StartVgw { spec, restart, tag } => {
                let id = UnitId::Vgw(spec.slot);
                self.start(id, Program::Vgw(spec), Plan::vgw(restart), tag, now)?;
            }
            Verb::StartBundle { spec, restart, tag } => {
                let plan = Plan::bundle(&spec, restart);
                self.home_is_active(&spec)?;
                let id = UnitId::Bundle(spec.slot, spec.index);
                self.start(id, Program::Bundle(spec), plan, tag, now)?;
            }
            Verb::StartHand { slot, run } => {
                let (entry, plan) = *self.hand.first().ok_or(ControlError::Unknown)?;
                let id = UnitId::Hand(slot, run);
                self.start(id, Program::Hand(entry, slot), plan, 0, now)?;
            }
            Verb::Stop { unit } => self.stop(unit, now)?,
            Verb::Freeze { slot, frozen } => self.freeze(slot, frozen, now)?,
            Verb::Adjust {
                slot,
                contract,
                shares,
            } => {
                let unit = self
                    .unit_mut(UnitId::Vgw(slot))
                    .ok_or(ControlError::Unknown)?;
                if unit.state != State::Active {
                    return Err(ControlError::NoVgw);
                }
                if let Program::Vgw(spec) = &mut unit.program {
                    spec.contract = contract;
                }
                for share in &shares {
                    let bundle = self.unit_mut(UnitId::Bundle(slot, share.index));
                    if let Some(Program::Bundle(spec)) = bundle.map(|unit| &mut unit.program) {
                        spec.limits = share.limits;
                        spec.guarantees = share.guarantees;
                        spec.storage = share.storage;
                    }
                }
                self.push(Effect::Adjust(slot));
            }
            Verb::Count { slot } => {
                let unit = self.unit(UnitId::Vgw(slot)).ok_or(ControlError::Unknown)?;
                if unit.state != State::Active {
                    return Err(ControlError::NoVgw);
                }
                let life = unit.life();
                self.push(Effect::Count(life));
            }
            Verb::Park { spec, tag } => {
                let id = UnitId::Vgw(spec.slot);
                self.park(id, Program::Vgw(spec), tag, now)?;
            }
            Verb::Forget { unit } => self.forget(unit, now)?,
            Verb::List => {
                for place in 0..self.units.len() {
                    if let Some(id) = self.units.get(place).map(|unit| unit.id) {
                        self.push_report(id);
                    }
                }
            }
            Verb::Shutdown { reboot } => self.begin_ending(reboot, now),
            Verb::Kill { unit } => {
                let unit = self.unit(unit).ok_or(ControlError::Unknown)?;
                let life = unit.life();
                if unit.pid == 0 {
                    return Err(ControlError::Unknown);
                }
                self.push(Effect::Kill(life));
            }
            Verb::Store {
                reference,
                caller,
                service,
                service_id,
                grant,
            } => self.store(Record {
                reference,
                caller,
                service,
                service_id,
                grant,
            })?,
            Verb::Drop { reference } => self.drop_stored(reference)?,
        }
        Ok(())
    }

    fn home_is_active(&self, spec: &limen_proto::spec::BundleSpec) -> Result<(), ControlError> {
        match self.unit(UnitId::Vgw(spec.slot)) {
            Some(vgw) if vgw.frozen.is_some() => Err(ControlError::Frozen),
            Some(vgw) if vgw.state == State::Active => Ok(()),
            Some(_) | None => Err(ControlError::NoVgw),
        }
    }

    /// Starts a unit under a new record, or under that of an idle one.
    fn start(
        &mut self,
        id: UnitId,
        program: Program,
        plan: Plan,
        tag: u64,
        now: u64,
    ) -> Result<(), ControlError> {
        self.enlist(id, program, plan, tag, now)?;
        self.queue(id, Input::Start);
        Ok(())
    }

    /// Makes a record, or fills that of an idle unit. What was built ahead from something else ends.
    pub(super) fn enlist(
        &mut self,
        id: UnitId,
        program: Program,
        plan: Plan,
        tag: u64,
        now: u64,
    ) -> Result<(), ControlError> {
        if self.ending() {
            return Err(ControlError::ShuttingDown);
        }
        let full = self.units.is_full();
        if let Some(unit) = self.unit_mut(id) {
            if unit.state != State::Idle {
                return Err(ControlError::Busy);
            }
            let same = unit.program == program;
            let renewed = match (&unit.program, &program) {
                (Program::Bundle(old), Program::Bundle(new)) => !new.has_mounts_of(old),
                _ => false,
            };
            unit.program = program;
            unit.plan = plan;
            unit.tag = tag;
            unit.restarts = 0;
            unit.attempts = 0;
            unit.exit = None;
            unit.frozen = None;
            unit.given_again = false;
            if !same {
                unit.spare_failures = 0;
                self.discard_spare(id, now, 0);
            }
            if renewed {
                self.push(Effect::Renew(id));
            }
        } else if full {
            return Err(ControlError::Full);
        } else {
            // Not full: just asked.
            let _ = self.units.push(Unit::new(id, program, plan, tag));
        }
        Ok(())
    }

    /// Stops a unit; what is idle is not parked any more. A frozen virtual gateway is thawed
    /// first, so that its bundles can end in order.
    fn stop(&mut self, id: UnitId, now: u64) -> Result<(), ControlError> {
        if let UnitId::Core(_) = id {
            return Err(ControlError::Forbidden);
        }
        let unit = self.unit_mut(id).ok_or(ControlError::Unknown)?;
        if unit.state != State::Idle {
            if let UnitId::Vgw(slot) = id {
                self.thaw(slot, now);
            }
            self.queue(id, Input::Stop);
        } else {
            unit.plan.spare = false;
            self.mind_spare(id, now);
        }
        Ok(())
    }

    fn forget(&mut self, id: UnitId, now: u64) -> Result<(), ControlError> {
        if let UnitId::Core(_) = id {
            return Err(ControlError::Forbidden);
        }
        let unit = self.unit_mut(id).ok_or(ControlError::Unknown)?;
        unit.plan.spare = false;
        if unit.state == State::Idle {
            self.mind_spare(id, now);
        }
        let place = self
            .units
            .iter()
            .position(|unit| unit.id == id)
            .ok_or(ControlError::Unknown)?;
        let idle = self.units.get(place).is_some_and(Unit::is_bare);
        // A virtual gateway's cgroup and directory hold those of its bundles.
        let inhabited = matches!(id, UnitId::Vgw(slot) if self.units.iter().any(
            |unit| matches!(unit.id, UnitId::Bundle(of, _) if of == slot)
        ));
        if !idle || inhabited {
            return Err(ControlError::Busy);
        }
        self.remove(place);
        Ok(())
    }
}
