//! What shall run against what runs: the requests that close the gap
//!
//! | wanted | absent or idle | runs, same tag | runs, other tag | ending |
//! | --- | --- | --- | --- | --- |
//! | run | start, once a tag | leave | stop | wait |
//! | idle | leave | stop | stop | wait |
//! | gone | forget | stop | stop | wait |
//!
//! A unit that was started once under its tag and is idle again stays idle: it ended by itself or
//! its restarts were given up, and only a new request (a new serial, so a new tag) tries again. The
//! exception is a bundle whose virtual gateway began a new life since: it is started in the new one.
//! Units that nobody wants are ended, unless the steward is blind: its state was lost, and what runs
//! may be all that is left of what was wanted. What a hand does is its job's business. In a frozen
//! virtual gateway nothing is started: it is frozen before its first bundle, after a power cut too.

use limen_proto::control::{UnitReport, Verb};
use limen_proto::id::{Generation, Slot, UnitId};
use limen_proto::state::UnitState;

use super::accounts::volume::in_force;
use super::desired::{BundleRecord, Desired, Held, Phase, VgwRecord};
use super::share::{shares, within};
use super::spec::{VGW_RESTART, bundle_spec, bundle_tag, parked_tag, vgw_spec, vgw_tag};
use super::units::{Asked, Attempt, Unit, Units};

/// What shall become of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// It shall run, started from what this tag marks.
    Run(u64),
    /// Its record shall stay, and it shall not run.
    Idle,
    /// It shall not run, and stand ready to, built from what this tag marks.
    Parked(u64),
    /// It shall not run, and its record shall go.
    Gone,
}

/// A request to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// About which unit.
    pub unit: UnitId,
    /// What kind.
    pub asked: Asked,
    /// The try that it is.
    pub attempt: Option<Attempt>,
    /// The request itself.
    pub verb: Verb,
}

/// What shall become of a virtual gateway's unit.
pub fn want_vgw(vgw: Option<&VgwRecord>) -> Want {
    match vgw {
        None => Want::Gone,
        Some(vgw) => match vgw.phase {
            Phase::Removing => Want::Gone,
            Phase::Standing if vgw.enabled => Want::Run(vgw_tag(vgw)),
            Phase::Standing if vgw.contract.warm => Want::Parked(parked_tag(vgw)),
            Phase::Standing | Phase::Emptying => Want::Idle,
        },
    }
}

/// What shall become of a bundle's unit.
pub fn want_bundle(vgw: Option<&VgwRecord>, bundle: Option<&BundleRecord>) -> Want {
    let (Some(vgw), Some(bundle)) = (vgw, bundle) else {
        return Want::Gone;
    };
    match bundle.held {
        Held::Installed if vgw.phase == Phase::Removing => Want::Gone,
        Held::Installed if bundle.enabled && vgw.enabled => {
            bundle_tag(bundle).map_or(Want::Idle, Want::Run)
        }
        Held::Installed => Want::Idle,
        Held::RemovingFiles | Held::RemovingAll | Held::VolumesOnly => Want::Gone,
    }
}

/// The requests that close the gap now. Units with a request under way are left alone.
pub fn plan(desired: &Desired, units: &Units, blind: bool) -> Vec<Step> {
    let mut steps = Vec::new();
    for vgw in desired.vgws.values() {
        steps.extend(vgw_step(vgw, units, desired));
        for bundle in desired.bundles_of(vgw.slot) {
            steps.extend(bundle_step(vgw, bundle, units));
        }
    }
    for (id, unit) in units.iter().filter(|_| !blind) {
        let known = match id {
            UnitId::Core(_) | UnitId::Hand(..) => true,
            UnitId::Vgw(slot) => desired.vgws.contains_key(&slot),
            UnitId::Bundle(slot, index) => desired.bundles.contains_key(&(slot, index)),
        };
        if !known && unit.asked.is_none() {
            steps.extend(end(id, unit, Want::Gone, units));
        }
    }
    steps
}

fn vgw_step(vgw: &VgwRecord, units: &Units, desired: &Desired) -> Option<Step> {
    let id = UnitId::Vgw(vgw.slot);
    let unit = units.get(id);
    if unit.asked.is_some() {
        return None;
    }
    let want = want_vgw(Some(vgw));
    let tag = match want {
        Want::Run(tag) => tag,
        Want::Parked(tag) if unit.state() == UnitState::Idle => return park(vgw, &unit, tag),
        Want::Parked(_) | Want::Idle | Want::Gone => return end(id, &unit, want, units),
    };
    if unit.state() != UnitState::Idle {
        if !unit.carries(tag) {
            return end(id, &unit, Want::Idle, units);
        }
        return freeze(vgw, &unit).or_else(|| adjust(vgw, &unit, desired));
    }
    let attempt = Attempt {
        tag,
        within: Generation(0),
    };
    if unit.carries(tag) || unit.attempt == Some(attempt) {
        return None;
    }
    Some(Step {
        unit: id,
        asked: Asked::Start,
        attempt: Some(attempt),
        verb: Verb::StartVgw {
            spec: vgw_spec(vgw),
            restart: VGW_RESTART,
            tag,
        },
    })
}

fn park(vgw: &VgwRecord, unit: &Unit, tag: u64) -> Option<Step> {
    let due = !unit.carries(tag) && unit.balked.is_none();
    due.then(|| Step {
        unit: UnitId::Vgw(vgw.slot),
        asked: Asked::Park,
        attempt: None,
        verb: Verb::Park {
            spec: vgw_spec(vgw),
            tag,
        },
    })
}

fn freeze(vgw: &VgwRecord, unit: &Unit) -> Option<Step> {
    let held = unit.report?.frozen;
    let due = unit.state() == UnitState::Active && held != vgw.frozen && unit.balked.is_none();
    due.then(|| Step {
        unit: UnitId::Vgw(vgw.slot),
        asked: Asked::Freeze,
        attempt: None,
        verb: Verb::Freeze {
            slot: vgw.slot,
            frozen: vgw.frozen,
        },
    })
}

fn adjust(vgw: &VgwRecord, unit: &Unit, desired: &Desired) -> Option<Step> {
    let ready = vgw.adjust && unit.state() == UnitState::Active && unit.balked.is_none();
    ready.then(|| Step {
        unit: UnitId::Vgw(vgw.slot),
        asked: Asked::Adjust,
        attempt: None,
        verb: Verb::Adjust {
            slot: vgw.slot,
            contract: in_force(vgw),
            shares: shares(vgw, desired),
        },
    })
}

fn bundle_step(vgw: &VgwRecord, bundle: &BundleRecord, units: &Units) -> Option<Step> {
    let id = UnitId::Bundle(bundle.slot, bundle.index);
    let unit = units.get(id);
    if unit.asked.is_some() {
        return None;
    }
    let home = units.get(UnitId::Vgw(vgw.slot));
    let leaving = home
        .report
        .is_some_and(|report| want_vgw(Some(vgw)) != Want::Run(report.tag));
    if leaving && home.state() != UnitState::Idle {
        // init ends a virtual gateway's bundles with it, in its own order.
        return None;
    }
    let want = want_bundle(Some(vgw), Some(bundle));
    let Want::Run(tag) = want else {
        return end(id, &unit, want, units);
    };
    if unit.state() != UnitState::Idle {
        return (!unit.carries(tag))
            .then(|| end(id, &unit, Want::Idle, units))
            .flatten();
    }
    let ready = |report: &UnitReport| {
        report.state == UnitState::Active && report.tag == vgw_tag(vgw) && !report.frozen
    };
    // Held or about to be: what was started there would not get far.
    let life = home.report.filter(|report| ready(report) && !vgw.frozen)?;
    let attempt = Attempt {
        tag,
        within: life.unit.generation,
    };
    // Ran in this life of its virtual gateway: what happened then is its terminal state.
    let had_its_run = unit
        .report
        .is_some_and(|report| report.tag == tag && report.since_ms >= life.since_ms);
    if had_its_run || unit.attempt == Some(attempt) {
        return None;
    }
    let spec = within(bundle_spec(bundle).ok()?, &vgw.contract);
    Some(Step {
        unit: id,
        asked: Asked::Start,
        attempt: Some(attempt),
        verb: Verb::StartBundle {
            spec,
            restart: bundle.summary.restart,
            tag,
        },
    })
}

/// Brings a unit to `Idle`, or beyond.
fn end(id: UnitId, unit: &Unit, want: Want, units: &Units) -> Option<Step> {
    let report = unit.report?;
    let step = |asked, verb| {
        Some(Step {
            unit: id,
            asked,
            attempt: None,
            verb,
        })
    };
    match report.state {
        UnitState::Starting | UnitState::Active | UnitState::Restarting => {
            let already = unit.stopped == Some(report.unit.generation);
            (!already)
                .then(|| step(Asked::Stop, Verb::Stop { unit: id }))
                .flatten()
        }
        UnitState::Stopping => None,
        UnitState::Idle | UnitState::Parked
            if want == Want::Gone && is_last(id, units) && unit.balked.is_none() =>
        {
            step(Asked::Forget, Verb::Forget { unit: id })
        }
        // What init keeps ready of it is not wanted any more.
        UnitState::Idle | UnitState::Parked
            if want == Want::Idle && report.spare && unit.balked.is_none() =>
        {
            step(Asked::Stop, Verb::Stop { unit: id })
        }
        UnitState::Idle | UnitState::Parked => None,
    }
}

/// A virtual gateway's record goes after its bundles' records.
fn is_last(id: UnitId, units: &Units) -> bool {
    let UnitId::Vgw(slot) = id else {
        return true;
    };
    !bundle_records_left(slot, units)
}

fn bundle_records_left(slot: Slot, units: &Units) -> bool {
    units
        .of_slot(slot)
        .any(|(id, unit)| matches!(id, UnitId::Bundle(..)) && unit.report.is_some())
}
