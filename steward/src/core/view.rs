//! What a caller is shown: records and reports put together
//!
//! Nothing here decides who may see what; `authorise` did. A state is what init reported under the
//! tag that shall run; reports of an earlier start say nothing about this one.

use limen_proto::feature::Feature;
use limen_proto::id::UnitId;
use limen_proto::install::Summary;
use limen_proto::jail::Stored;
use limen_proto::manage::{Account, Bundle, Usage, Vgw};
use limen_proto::posture::Posture;
use limen_proto::spec::Storage;
use limen_proto::state::{BundleState, Fault, UnitState};

use super::desired::{BundleRecord, Desired, Held, Phase, VgwRecord};
use super::share::inodes;
use super::spec::{bundle_tag, vgw_tag, volumes_of};
use super::turn::Outside;
use super::units::{Unit, Units};

/// A virtual gateway.
pub fn vgw(record: &VgwRecord, desired: &Desired, units: &Units, outside: &mut dyn Outside) -> Vgw {
    let id = UnitId::Vgw(record.slot);
    let unit = units.get(id);
    let tag = vgw_tag(record);
    let (fault, trouble) = condition(&unit, tag, record.enabled);
    let detail = match record.phase {
        Phase::Emptying => "its place is being emptied".to_owned(),
        Phase::Removing => "it is being removed".to_owned(),
        // A lack of the kernel explains more than the step that failed for it.
        Phase::Standing if unit.state() != UnitState::Active && !trouble.is_empty() => {
            missing(outside).unwrap_or(trouble)
        }
        Phase::Standing => trouble,
    };
    let report = unit.report.filter(|_| unit.state() != UnitState::Idle);
    Vgw {
        provider: record.provider.clone(),
        slot: record.slot.get(),
        enabled: record.enabled,
        spent: record.spent,
        frozen: report.is_some_and(|report| report.frozen),
        state: match unit.report {
            Some(report) if report.state == UnitState::Idle && report.spare => UnitState::Parked,
            _ => unit.state(),
        },
        fault,
        detail,
        restarts: unit.report.map_or(0, |report| report.restarts),
        address: record.slot.address(),
        contract: record.contract.clone(),
        posture: report.map_or_else(Posture::default, |report| report.posture),
        usage: use_of(id, &unit, outside),
        account: Account::default(),
        install: Account::default(),
        install_posture: Posture::default(),
        bundles: u32::try_from(desired.installed(record.slot).count()).unwrap_or(u32::MAX),
    }
}

/// What the kernel lacks and no virtual gateway is started without, with the remedy.
pub fn missing(outside: &mut dyn Outside) -> Option<String> {
    let needs = outside.lacks().into_iter().map(Feature::need);
    let lacks: Vec<String> = needs
        .filter(|need| need.required)
        .map(|need| format!("the kernel lacks {}: {}", need.name, need.remedy))
        .collect();
    (!lacks.is_empty()).then(|| lacks.join("; "))
}

/// A bundle. `updating` says that a newer one is on its way.
pub fn bundle(
    record: &BundleRecord,
    updating: bool,
    desired: &Desired,
    units: &Units,
    outside: &mut dyn Outside,
) -> Bundle {
    let id = UnitId::Bundle(record.slot, record.index);
    let unit = units.get(id);
    let mut shown = from_summary(&record.summary);
    if let Some(vgw) = desired.vgws.get(&record.slot) {
        shown.storage.inodes = inodes(shown.storage.bytes, &vgw.contract);
    }
    shown.state = match record.held {
        Held::Installed if updating => BundleState::Updating,
        Held::Installed => BundleState::Installed,
        Held::RemovingFiles | Held::RemovingAll => BundleState::Uninstalling,
        Held::VolumesOnly => BundleState::Uninstalled,
    };
    shown.enabled = record.enabled;
    shown.unit = unit.state();
    shown.usage = Usage {
        disk: record.files(),
        inodes: if record.files() == 0 {
            0
        } else {
            shown.usage.inodes
        },
        ..use_of(id, &unit, outside)
    };
    if let Some(report) = unit.report {
        shown.restarts = report.restarts;
        shown.spare = report.spare;
        shown.exit = report.exit;
        if report.state != UnitState::Idle {
            shown.posture = report.posture;
        }
    }
    if record.held == Held::VolumesOnly {
        "only its volumes are left".clone_into(&mut shown.detail);
        return shown;
    }
    let tag = match bundle_tag(record) {
        Ok(tag) => tag,
        Err(why) => {
            shown.fault = Fault::UnStartable;
            shown.detail = why;
            return shown;
        }
    };
    (shown.fault, shown.detail) = condition(&unit, tag, record.enabled);
    let vgw = units.get(UnitId::Vgw(record.slot));
    if vgw.report.is_some_and(|report| report.frozen) && shown.detail.is_empty() {
        "its virtual gateway is frozen".clone_into(&mut shown.detail);
    }
    let home = vgw.state();
    let standing = desired
        .vgws
        .get(&record.slot)
        .is_some_and(|vgw| vgw.enabled);
    if record.enabled && unit.is_down() && (home != UnitState::Active || !standing) {
        shown.fault = Fault::DependencyFailure;
        "its virtual gateway is not active".clone_into(&mut shown.detail);
    }
    shown
}

/// A bundle that is being installed for the first time.
pub fn arriving(summary: &Summary) -> Bundle {
    let mut shown = from_summary(summary);
    shown.state = BundleState::Installing;
    shown
}

fn from_summary(summary: &Summary) -> Bundle {
    Bundle {
        name: summary.name.clone(),
        version: summary.version.clone(),
        counter: summary.counter,
        description: summary.description.clone(),
        digest: summary.digest,
        state: BundleState::Installed,
        enabled: true,
        unit: UnitState::Idle,
        fault: Fault::NoFault,
        detail: String::new(),
        restarts: 0,
        spare: false,
        exit: None,
        posture: Posture::default(),
        usage: Usage {
            disk: summary.unpacked,
            inodes: u64::from(summary.entries),
            ..Usage::default()
        },
        stored: Stored::default(),
        storage: Storage {
            bytes: volumes_of(summary),
            inodes: 0,
        },
        account: Account::default(),
        ports: summary.ports.clone(),
        exports: summary
            .exports
            .iter()
            .map(|(name, _)| name.clone())
            .collect(),
        imports: summary.imports.clone(),
    }
}

fn condition(unit: &Unit, tag: u64, enabled: bool) -> (Fault, String) {
    let reported = unit
        .report
        .filter(|report| report.tag == tag)
        .map_or(Fault::NoFault, |report| report.fault);
    // What was stopped by request has no fault but of that stop.
    if !enabled && reported != Fault::FailureOnStop {
        return (Fault::NoFault, String::new());
    }
    let fault = if unit.refused.is_some() {
        Fault::FailureOnStart
    } else {
        reported
    };
    (fault, unit.trouble(tag).unwrap_or_default())
}

fn use_of(id: UnitId, unit: &Unit, outside: &mut dyn Outside) -> Usage {
    if unit.state() == UnitState::Idle {
        Usage::default()
    } else {
        outside.usage(id)
    }
}
