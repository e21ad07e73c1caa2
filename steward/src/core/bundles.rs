//! Verbs on installed bundles
//!
//! Start, stop, restart, uninstall, show. A provider acts on its own virtual gateway only; the slot
//! was found by its identity, never by an argument.

use limen_proto::id::{BundleIndex, Slot, UnitId};
use limen_proto::manage::{Answer, Bundle, Refusal};
use limen_proto::name::Name;
use limen_proto::state::UnitState;

use super::accounts::Payer;
use super::audit::event;
use super::calls::Asking;
use super::desired::{BundleRecord, Change, Held, Phase, VgwRecord};
use super::refusal::{conflict, no_bundle};
use super::turn::Turn;
use super::wait::{BUILD_MS, Form, Goal, REMOVE_MS};
use super::{Outcome, Steward, view};

impl Steward {
    pub(super) fn bundle_view(
        &mut self,
        turn: &mut Turn<'_>,
        slot: Slot,
        index: BundleIndex,
    ) -> Option<Bundle> {
        if let Some(report) = self.units.get(UnitId::Bundle(slot, index)).report {
            self.sample(turn, &report);
        }
        self.look(turn, slot);
        let record = self.desired.bundles.get(&(slot, index))?;
        let updating = self.jobs.arriving(slot).is_some_and(|summary| {
            summary.name == record.summary.name && record.held == Held::Installed
        });
        let mut shown = view::bundle(record, updating, &self.desired, &self.units, turn.outside);
        shown.stored = self.volumes_of(slot, index);
        shown.account = self.account(&Payer::Bundle(slot, index)).shown();
        Some(shown)
    }

    pub(super) fn bundle_views(&mut self, turn: &mut Turn<'_>, slot: Slot) -> Vec<Bundle> {
        let indexes: Vec<BundleIndex> = self
            .desired
            .bundles_of(slot)
            .map(|bundle| bundle.index)
            .collect();
        let mut views: Vec<Bundle> = indexes
            .into_iter()
            .filter_map(|index| self.bundle_view(turn, slot, index))
            .collect();
        if let Some(summary) = self.jobs.arriving(slot)
            && self.desired.bundle_named(slot, &summary.name).is_none()
        {
            views.push(view::arriving(summary));
        }
        views.sort_by(|left, right| left.name.cmp(&right.name));
        views
    }

    pub(super) fn show_bundle(&mut self, turn: &mut Turn<'_>, slot: Slot, name: &Name) -> Outcome {
        self.bundle_views(turn, slot)
            .into_iter()
            .find(|bundle| bundle.name == *name)
            .map(|bundle| Some(Answer::Bundle(bundle)))
            .ok_or_else(|| no_bundle(name))
    }

    pub(super) fn start_bundle(
        &mut self,
        turn: &mut Turn<'_>,
        asking: &Asking,
        vgw: &VgwRecord,
        name: &Name,
    ) -> Outcome {
        let mut bundle = self.startable(vgw, name)?;
        let unit = self.units.get(UnitId::Bundle(bundle.slot, bundle.index));
        let trying = unit.refused.is_none() && unit.state() != UnitState::Idle;
        if bundle.enabled && (trying || unit.asked.is_some()) {
            return Err(conflict(format!("bundle {name} is already started")));
        }
        running(vgw)?;
        bundle.enabled = true;
        bundle.serial += 1;
        self.change_bundle(turn, asking, vgw, bundle, ("started a bundle", Goal::Up))
    }

    pub(super) fn stop_bundle(
        &mut self,
        turn: &mut Turn<'_>,
        asking: &Asking,
        vgw: &VgwRecord,
        name: &Name,
    ) -> Outcome {
        let mut bundle = self.startable(vgw, name)?;
        if !bundle.enabled {
            return Err(conflict(format!("bundle {name} is already stopped")));
        }
        thawed(vgw)?;
        bundle.enabled = false;
        self.change_bundle(turn, asking, vgw, bundle, ("stopped a bundle", Goal::Down))
    }

    pub(super) fn restart_bundle(
        &mut self,
        turn: &mut Turn<'_>,
        asking: &Asking,
        vgw: &VgwRecord,
        name: &Name,
    ) -> Outcome {
        let mut bundle = self.startable(vgw, name)?;
        if !bundle.enabled {
            return Err(conflict(format!("bundle {name} is stopped; start it")));
        }
        running(vgw)?;
        bundle.serial += 1;
        self.change_bundle(turn, asking, vgw, bundle, ("restarted a bundle", Goal::Up))
    }

    fn startable(&self, vgw: &VgwRecord, name: &Name) -> Result<BundleRecord, Refusal> {
        let bundle = self
            .desired
            .bundle_named(vgw.slot, name)
            .ok_or_else(|| no_bundle(name))?;
        match bundle.held {
            Held::Installed => Ok(bundle.clone()),
            Held::RemovingFiles | Held::RemovingAll => {
                Err(conflict(format!("bundle {name} is being uninstalled")))
            }
            Held::VolumesOnly => Err(conflict(format!(
                "bundle {name} is uninstalled and only its volumes are left; install it again"
            ))),
        }
    }

    fn change_bundle(
        &mut self,
        turn: &mut Turn<'_>,
        asking: &Asking,
        vgw: &VgwRecord,
        bundle: BundleRecord,
        (text, goal): (&str, fn(UnitId) -> Goal),
    ) -> Outcome {
        let unit = UnitId::Bundle(bundle.slot, bundle.index);
        let until = turn.now.monotonic_ms + patience_ms(&bundle);
        let name = bundle.summary.name.to_string();
        let draft = event(turn.now, &asking.actor(), Some(&vgw.provider), text, &name);
        self.commit_with(turn, draft, vec![Change::Bundle(bundle)])?;
        self.waiters.add(asking.call, goal(unit), Form::Done, until);
        Ok(None)
    }

    pub(super) fn uninstall_bundle(
        &mut self,
        turn: &mut Turn<'_>,
        asking: &Asking,
        vgw: &VgwRecord,
        name: &Name,
        keep_volumes: bool,
    ) -> Outcome {
        let mut bundle = self
            .desired
            .bundle_named(vgw.slot, name)
            .cloned()
            .ok_or_else(|| no_bundle(name))?;
        if bundle.held == Held::VolumesOnly && keep_volumes {
            return Err(conflict(format!(
                "bundle {name} is already uninstalled; its volumes are kept"
            )));
        }
        if self
            .jobs
            .arriving(vgw.slot)
            .is_some_and(|summary| summary.name == *name)
        {
            return Err(conflict(format!(
                "bundle {name} is being updated; uninstall it when that is done"
            )));
        }
        thawed(vgw)?;
        let index = bundle.index;
        let leaving = if keep_volumes && bundle.held != Held::RemovingAll {
            Held::RemovingFiles
        } else {
            Held::RemovingAll
        };
        if bundle.held != leaving {
            bundle.held = leaving;
            bundle.enabled = false;
            let what = if keep_volumes {
                ", keeping its volumes"
            } else {
                ""
            };
            let text = format!("began to uninstall a bundle{what}");
            let draft = event(
                turn.now,
                &asking.actor(),
                Some(&vgw.provider),
                &text,
                name.as_str(),
            );
            self.commit_with(turn, draft, vec![Change::Bundle(bundle)])?;
            self.drop_uncovered_grants(turn, &vgw.provider);
        }
        self.jobs.clear_failure(vgw.slot);
        let until = turn.now.monotonic_ms + REMOVE_MS;
        let goal = Goal::Uninstalled(vgw.slot, index);
        self.waiters.add(asking.call, goal, Form::Done, until);
        Ok(None)
    }
}

/// How long a caller waits for a bundle to end and to be ready again, milliseconds.
pub(super) fn patience_ms(bundle: &BundleRecord) -> u64 {
    u64::from(bundle.summary.ready_within_ms) + u64::from(bundle.summary.stop_within_ms) + BUILD_MS
}

/// What is frozen can be neither started nor asked to end.
pub(super) fn thawed(vgw: &VgwRecord) -> Result<(), Refusal> {
    if vgw.frozen {
        return Err(conflict(
            "the virtual gateway is frozen; the operator of this gateway thaws it",
        ));
    }
    Ok(())
}

fn running(vgw: &VgwRecord) -> Result<(), Refusal> {
    thawed(vgw)?;
    if vgw.enabled && vgw.phase == Phase::Standing {
        Ok(())
    } else {
        Err(conflict(
            "the virtual gateway is stopped; the operator of this gateway starts it",
        ))
    }
}
