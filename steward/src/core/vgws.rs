//! Verbs on virtual gateways
//!
//! Each checks, commits once, and leaves the rest to `settle`. A virtual gateway is created in two
//! steps: its place is emptied by limen-install, then it stands. So nothing of an earlier holder
//! is ever found there, not even after the state was lost.

use std::collections::BTreeSet;

use limen_proto::contract::Contract;
use limen_proto::control::UnitReport;
use limen_proto::id::{Slot, UnitId};
use limen_proto::limits::SLOTS;
use limen_proto::manage::{Answer, Changed, Refusal, Vgw};
use limen_proto::name::Name;
use limen_proto::state::UnitState;

use super::accounts::Payer;
use super::accounts::volume::in_force;
use super::admission::{admit, plan};
use super::audit::{BOX, event};
use super::authorise::core_provider;
use super::calls::Asking;
use super::credential;
use super::desired::{Change, Phase, VgwRecord};
use super::quantity::bytes;
use super::refusal::{conflict, not_admitted};
use super::share::{fixed, within};
use super::spec::bundle_spec;
use super::turn::Turn;
use super::view::missing;
use super::wait::{BUILD_MS, Form, Goal, REMOVE_MS};
use super::{Outcome, Steward, view};

/// What `CreateVgw` asks for.
pub(super) struct Wish<'a> {
    pub(super) provider: &'a Name,
    pub(super) contract: &'a Contract,
    pub(super) authority: &'a str,
    pub(super) keys: &'a [String],
}

impl Steward {
    pub(super) fn vgw_view(&mut self, turn: &mut Turn<'_>, vgw: &VgwRecord) -> Vgw {
        if let Some(report) = self.units.get(UnitId::Vgw(vgw.slot)).report {
            self.sample(turn, &report);
            self.look(turn, vgw.slot);
        }
        let mut shown = view::vgw(vgw, &self.desired, &self.units, turn.outside);
        let stored = self.disk_of(vgw.slot);
        (shown.usage.disk, shown.usage.inodes) = (stored.bytes, stored.inodes);
        shown.account = self.account(&Payer::Vgw(vgw.slot)).shown();
        shown.install_posture = self
            .jobs
            .postures
            .get(&vgw.slot)
            .copied()
            .unwrap_or_default();
        shown.install = self.account(&Payer::Install(vgw.slot)).shown();
        shown
    }

    pub(super) fn create_vgw(
        &mut self,
        turn: &mut Turn<'_>,
        asking: &Asking,
        wish: &Wish<'_>,
    ) -> Outcome {
        if self.desired.vgw_of(wish.provider).is_some() {
            return Err(conflict(format!(
                "a virtual gateway of provider {} exists already; show it, or remove it first",
                wish.provider
            )));
        }
        isolated(turn)?;
        let slot = self.free_slot(wish.provider)?;
        self.admit(turn, wish.contract, slot)?;
        credential::authority(&self.desired, wish.authority)?;
        credential::keys(wish.provider, wish.keys)?;
        let record = VgwRecord {
            slot,
            provider: wish.provider.clone(),
            enabled: true,
            frozen: false,
            serial: turn.now.wall_ms,
            contract: wish.contract.clone(),
            spent: false,
            adjust: false,
            phase: Phase::Emptying,
            authority: wish.authority.to_owned(),
            keys: wish.keys.iter().map(|key| key.trim().to_owned()).collect(),
            created: turn.now.seconds(),
        };
        let text = format!(
            "created the virtual gateway at slot {slot} with {} of memory",
            bytes(wish.contract.limits.memory)
        );
        let draft = event(turn.now, &asking.actor(), Some(wish.provider), &text, "");
        self.commit_with(turn, draft, vec![Change::Vgw(record), Change::Trust])?;
        self.jobs.clear_failure(slot);
        self.tell_provider(turn, slot);
        let until = turn.now.monotonic_ms + REMOVE_MS + BUILD_MS;
        let goal = Goal::Up(UnitId::Vgw(slot));
        self.waiters.add(asking.call, goal, Form::View, until);
        Ok(None)
    }

    /// The provider `core` has slot 0; the others share the rest, lowest first.
    fn free_slot(&self, provider: &Name) -> Result<Slot, Refusal> {
        let first = u16::from(*provider != core_provider());
        let places = if first == 0 { 0..1 } else { 1..u16::MAX };
        places
            .map_while(|number| Slot::new(number).ok())
            .find(|slot| {
                // A unit that the state does not name may still run there.
                !self.desired.vgws.contains_key(slot)
                    && self
                        .units
                        .of_slot(*slot)
                        .all(|(id, unit)| matches!(id, UnitId::Hand(..)) || unit.is_gone())
            })
            .ok_or_else(|| {
                not_admitted(format!(
                    "all {} places for virtual gateways are taken; remove one",
                    SLOTS - 1
                ))
            })
    }

    /// Answers what a contract would come to. Nothing is changed, nothing is noted.
    pub(super) fn plan_vgw(
        &mut self,
        turn: &mut Turn<'_>,
        provider: &Name,
        contract: &Contract,
    ) -> Outcome {
        let slot = match self.desired.vgw_of(provider) {
            Some(vgw) => vgw.slot,
            None => self.free_slot(provider)?,
        };
        let capacity = turn.outside.capacity();
        let fixtures = &self.facts.fixtures;
        let plan = plan(contract, slot, &self.desired, capacity, fixtures);
        Ok(Some(Answer::Plan(plan)))
    }

    fn admit(
        &mut self,
        turn: &mut Turn<'_>,
        contract: &Contract,
        slot: Slot,
    ) -> Result<(), Refusal> {
        let capacity = turn.outside.capacity();
        admit(
            contract,
            slot,
            &self.desired,
            capacity,
            &self.facts.fixtures,
        )
    }

    pub(super) fn set_contract(
        &mut self,
        turn: &mut Turn<'_>,
        asking: &Asking,
        mut vgw: VgwRecord,
        contract: &Contract,
    ) -> Outcome {
        standing(&vgw)?;
        self.admit(turn, contract, vgw.slot)?;
        let (changed, names) = self.waiting_for_restart(&vgw, contract);
        vgw.contract = contract.clone();
        vgw.adjust = true;
        let text = format!(
            "set the contract: {} of memory, {} % of a core, {} of disk",
            bytes(contract.limits.memory),
            contract.limits.cpu_percent,
            bytes(contract.disk)
        );
        // Which bundles it concerns is the provider's own business.
        let detail = match names.as_slice() {
            [] => String::new(),
            names => format!(
                "restart {} to put {} in force there",
                names.join(", "),
                changed.restart.join(", ")
            ),
        };
        let actor = asking.actor();
        let draft = event(turn.now, &actor, Some(&vgw.provider), &text, &detail);
        let slot = vgw.slot;
        self.commit_with(turn, draft, vec![Change::Vgw(vgw)])?;
        self.units.may_adjust(UnitId::Vgw(slot));
        let until = turn.now.monotonic_ms + BUILD_MS;
        self.waiters.add(
            asking.call,
            Goal::Adjusted(slot),
            Form::Changed(changed),
            until,
        );
        Ok(None)
    }

    /// What running bundles keep until they are restarted, and their names.
    fn waiting_for_restart(&self, vgw: &VgwRecord, next: &Contract) -> (Changed, Vec<String>) {
        let (mut restart, mut names) = (BTreeSet::new(), Vec::new());
        for bundle in self.desired.installed(vgw.slot) {
            let unit = self.units.get(UnitId::Bundle(vgw.slot, bundle.index));
            let Ok(spec) = bundle_spec(bundle) else {
                continue;
            };
            let (before, after) = (within(spec.clone(), &vgw.contract), within(spec, next));
            let keys = fixed(&before, &after);
            if !unit.is_down() && !keys.is_empty() {
                restart.extend(keys);
                names.push(bundle.summary.name.to_string());
            }
        }
        let changed = Changed {
            restart: restart.into_iter().map(str::to_owned).collect(),
            bundles: u32::try_from(names.len()).unwrap_or(u32::MAX),
        };
        (changed, names)
    }

    /// init carried a contract out.
    pub(super) fn adjusted(&mut self, turn: &mut Turn<'_>, unit: UnitId) {
        let UnitId::Vgw(slot) = unit else { return };
        let Some(mut vgw) = self.desired.vgws.get(&slot).cloned() else {
            return;
        };
        // Another contract may have been set meanwhile.
        if self.adjusting.remove(&slot) != Some(in_force(&vgw)) {
            return;
        }
        vgw.adjust = false;
        // When it cannot be written down, the next steward adjusts once more: no harm.
        let _ = self.commit(turn, &[Change::Vgw(vgw)]);
    }

    /// init tells of a contract that the kernel did not take by a report of the running unit.
    pub(super) fn not_adjusted(
        &mut self,
        turn: &mut Turn<'_>,
        before: Option<UnitReport>,
        report: UnitReport,
    ) {
        let (UnitId::Vgw(slot), UnitState::Active, Some((step, errno))) =
            (report.unit.unit, report.state, report.failed)
        else {
            return;
        };
        if before.is_some_and(|before| before.failed == report.failed) {
            return;
        }
        let provider = self.provider_of(slot);
        let reason = std::io::Error::from_raw_os_error(errno);
        let text = format!(
            "refused part of the contract at step {step:?}: {reason}; restart the virtual gateway to put it in force"
        );
        let draft = event(turn.now, BOX, provider.as_ref(), &text, "");
        self.note(turn, draft.alarming());
    }

    pub(super) fn remove_vgw(
        &mut self,
        turn: &mut Turn<'_>,
        asking: &Asking,
        mut vgw: VgwRecord,
        discard_volumes: bool,
    ) -> Outcome {
        let bundles = self.desired.bundles_of(vgw.slot).count();
        if bundles > 0 && !discard_volumes && vgw.phase != Phase::Removing {
            return Err(conflict(format!(
                "the virtual gateway of {} holds {bundles} bundles with their volumes, which the removal destroys; ask again with discard-volumes",
                vgw.provider
            )));
        }
        let (slot, provider) = (vgw.slot, vgw.provider.clone());
        if vgw.phase != Phase::Removing {
            vgw.phase = Phase::Removing;
            vgw.enabled = false;
            let mut changes = vec![Change::Vgw(vgw), Change::Trust];
            let gone: Vec<u64> = self.grants_of(&provider);
            changes.extend(gone.iter().map(|id| Change::NoGrant(*id)));
            let text = "began to remove the virtual gateway with everything that it holds";
            let draft = event(turn.now, &asking.actor(), Some(&provider), text, "");
            self.commit_with(turn, draft, changes)?;
            self.tell_revoked(turn, &gone);
        }
        self.jobs.clear_failure(slot);
        self.jobs.drop_waiting(slot);
        let until = turn.now.monotonic_ms + REMOVE_MS;
        self.waiters
            .add(asking.call, Goal::Removed(slot), Form::Done, until);
        Ok(None)
    }
}

/// No virtual gateway is started by a kernel that could not keep it apart from the others.
pub(super) fn isolated(turn: &mut Turn<'_>) -> Result<(), Refusal> {
    missing(turn.outside).map_or(Ok(()), |why| Err(not_admitted(why)))
}

pub(super) fn standing(vgw: &VgwRecord) -> Result<(), Refusal> {
    match vgw.phase {
        Phase::Standing => Ok(()),
        Phase::Emptying => Err(conflict(format!(
            "the virtual gateway of {} is being made; try again when it is there",
            vgw.provider
        ))),
        Phase::Removing => Err(conflict(format!(
            "the virtual gateway of {} is being removed",
            vgw.provider
        ))),
    }
}
