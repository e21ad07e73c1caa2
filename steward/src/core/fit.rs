//! Does a bundle fit its provider's contract, and may it follow the one before?
//!
//! Asked by limen-install with what the signed manifest says, before anything is written. What
//! bundles ask for is a share of the contract and is added up like contracts are. Counters never go
//! back, not even for a bundle that was uninstalled. The text of a refusal is for the provider: it
//! may name the provider's own bundles and contract, nothing else.

use limen_proto::id::{BundleIndex, Slot};
use limen_proto::install::Summary;
use limen_proto::limits::BUNDLES_PER_SLOT;
use limen_proto::manage::Refusal;

use super::admission::{all_programs, programs};
use super::desired::{BundleRecord, Desired, Held, VgwRecord};
use super::quantity::bytes;
use super::refusal::{conflict, invalid, not_admitted};
use super::share::inodes;
use super::spec::{spec_of, volumes_of};

/// The reaper is one process of every virtual gateway.
const REAPER_PROCESSES: u32 = 1;
/// Names whose counters are kept for one provider. Counters outlive bundles, so without an end a
/// provider could fill the state with names.
const NAMES: usize = 256;
/// Highest counter: the state file's integers are signed.
const COUNTER: u64 = i64::MAX as u64 - 1;
/// Most interfaces that a bundle exports (the broker's table).
const EXPORTS: usize = 8;

/// How a bundle that fits is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is installed already, bit for bit.
    Same(BundleIndex),
    /// Take it, at this place.
    Take(BundleIndex),
}

/// Decides whether a bundle may be installed.
///
/// # Errors
/// `Conflict` when it may not follow the one before, `Invalid` or `NotAdmitted` when it asks for
/// what it cannot have.
pub fn fit(vgw: &VgwRecord, desired: &Desired, summary: &Summary) -> Result<Verdict, Refusal> {
    let before = desired.bundle_named(vgw.slot, &summary.name);
    if let Some(before) = before
        && before.held == Held::Installed
        && before.summary.digest == summary.digest
    {
        return Ok(Verdict::Same(before.index));
    }
    if before.is_some_and(BundleRecord::is_leaving) {
        return Err(conflict(format!(
            "bundle {} is being uninstalled; install it when that is done",
            summary.name
        )));
    }
    if summary.counter > COUNTER {
        return Err(invalid(format!(
            "its counter {} leaves no room for a successor; count from 1",
            summary.counter
        )));
    }
    follows(vgw, desired, summary)?;
    let index = place(vgw.slot, desired, before)?;
    spec_of(vgw.slot, index, summary)
        .map_err(|why| invalid(format!("the bundle cannot run: {why}")))?;
    if summary.exports.len() > EXPORTS {
        return Err(invalid(format!(
            "it exports {} interfaces; a bundle exports at most {EXPORTS}",
            summary.exports.len()
        )));
    }
    shares(vgw, desired, summary)?;
    program(vgw, desired, before)?;
    disk(vgw, desired, summary, before)?;
    devices(vgw, summary)?;
    new_code(vgw, summary)?;
    ports(vgw, desired, summary)?;
    Ok(Verdict::Take(index))
}

fn follows(vgw: &VgwRecord, desired: &Desired, summary: &Summary) -> Result<(), Refusal> {
    let key = (vgw.provider.clone(), summary.name.clone());
    let Some(seen) = desired.seen.get(&key) else {
        let names = desired
            .seen
            .keys()
            .filter(|(provider, _)| *provider == vgw.provider)
            .count();
        return if names < NAMES {
            Ok(())
        } else {
            Err(not_admitted(format!(
                "{NAMES} bundle names were used by this provider already; update one of them instead"
            )))
        };
    };
    if summary.counter < seen.counter {
        return Err(conflict(format!(
            "its counter {} is below {}, the highest that was accepted for {}: it is a downgrade or a replay; sign it with a counter above {}",
            summary.counter, seen.counter, summary.name, seen.counter
        )));
    }
    if summary.counter == seen.counter && summary.digest != seen.digest {
        return Err(conflict(format!(
            "another bundle {} with counter {} was accepted before; sign this one with a counter above {}",
            summary.name, seen.counter, seen.counter
        )));
    }
    Ok(())
}

fn place(
    slot: Slot,
    desired: &Desired,
    before: Option<&BundleRecord>,
) -> Result<BundleIndex, Refusal> {
    if let Some(before) = before {
        return Ok(before.index);
    }
    (0..)
        .map_while(|number| BundleIndex::new(number).ok())
        .find(|index| !desired.bundles.contains_key(&(slot, *index)))
        .ok_or_else(|| {
            not_admitted(format!(
                "all {BUNDLES_PER_SLOT} places for bundles are taken; uninstall one"
            ))
        })
}

fn others<'a>(
    vgw: &VgwRecord,
    desired: &'a Desired,
    summary: &'a Summary,
) -> impl Iterator<Item = &'a BundleRecord> {
    desired
        .installed(vgw.slot)
        .filter(move |bundle| bundle.summary.name != summary.name)
}

fn shares(vgw: &VgwRecord, desired: &Desired, summary: &Summary) -> Result<(), Refusal> {
    let limits = &vgw.contract.limits;
    if limits.cpu_percent > 0 && summary.limits.cpu_percent > limits.cpu_percent {
        return Err(not_admitted(format!(
            "it asks for {} % of a core; the contract has {} %: lower limits.cpu-percent in the manifest or ask the operator for more",
            summary.limits.cpu_percent, limits.cpu_percent
        )));
    }
    if summary.limits.descriptors > limits.descriptors {
        return Err(not_admitted(format!(
            "it asks for {} descriptors; the contract has {}: lower limits.descriptors in the manifest or ask the operator for more",
            summary.limits.descriptors, limits.descriptors
        )));
    }
    let memory = others(vgw, desired, summary)
        .map(|bundle| bundle.summary.limits.memory)
        .fold(0, u64::saturating_add);
    let left = limits.memory.saturating_sub(memory);
    if summary.limits.memory > left {
        return Err(not_admitted(format!(
            "it asks for {} of memory; {} of the contract's {} are left: lower limits.memory in the manifest, uninstall a bundle, or ask the operator for more",
            bytes(summary.limits.memory),
            bytes(left),
            bytes(limits.memory)
        )));
    }
    let processes = others(vgw, desired, summary)
        .map(|bundle| bundle.summary.limits.processes)
        .fold(REAPER_PROCESSES, u32::saturating_add);
    let left = limits.processes.saturating_sub(processes);
    if summary.limits.processes > left {
        return Err(not_admitted(format!(
            "it asks for {} processes; {left} of the contract's {} are left (the gateway's own takes {REAPER_PROCESSES}): lower limits.processes in the manifest, uninstall a bundle, or ask the operator for more",
            summary.limits.processes, limits.processes
        )));
    }
    Ok(())
}

/// init runs a bounded number of programs, and every virtual gateway has room for one bundle.
fn program(
    vgw: &VgwRecord,
    desired: &Desired,
    before: Option<&BundleRecord>,
) -> Result<(), Refusal> {
    let taken = |slot| programs(slot, desired);
    let all: u64 = desired.vgws.keys().copied().map(taken).sum();
    let first = desired.bundles_of(vgw.slot).next().is_none();
    if before.is_some() || first || all < all_programs() {
        return Ok(());
    }
    Err(not_admitted(format!(
        "the gateway runs {} programs at most, and all are taken or promised: uninstall a bundle, or ask the operator to remove a virtual gateway",
        all_programs()
    )))
}

/// During an update the old files and the new ones lie side by side.
fn disk(
    vgw: &VgwRecord,
    desired: &Desired,
    summary: &Summary,
    before: Option<&BundleRecord>,
) -> Result<(), Refusal> {
    let held = |bundle: &BundleRecord| volumes_of(&bundle.summary).saturating_add(bundle.files());
    let mut taken = desired
        .bundles_of(vgw.slot)
        .filter(|bundle| bundle.summary.name != summary.name)
        .map(held)
        .fold(0, u64::saturating_add);
    taken = taken.saturating_add(before.map_or(0, BundleRecord::files));
    let left = vgw.contract.disk.saturating_sub(taken);
    let asked = summary.unpacked.saturating_add(volumes_of(summary));
    if asked > left {
        return Err(not_admitted(format!(
            "it needs {} of disk for its files and volumes; {} of the contract's {} are left: make it smaller, uninstall a bundle, or ask the operator for more",
            bytes(asked),
            bytes(left),
            bytes(vgw.contract.disk)
        )));
    }
    let files = desired
        .bundles_of(vgw.slot)
        .map(|bundle| bundle.summary.entries)
        .fold(0, u32::saturating_add);
    let volumes = desired
        .bundles_of(vgw.slot)
        .map(|bundle| &bundle.summary)
        .filter(|of| of.name != summary.name)
        .chain([summary])
        .map(|of| inodes(volumes_of(of), &vgw.contract))
        .fold(0, u32::saturating_add);
    let left = vgw.contract.inodes.saturating_sub(files);
    let left = left.saturating_sub(volumes);
    if summary.entries > left {
        return Err(not_admitted(format!(
            "it has {} files; {left} of the contract's {} are left, besides {volumes} for volumes: make it smaller, uninstall a bundle, or ask the operator for more",
            summary.entries, vgw.contract.inodes
        )));
    }
    Ok(())
}

fn devices(vgw: &VgwRecord, summary: &Summary) -> Result<(), Refusal> {
    let missing = summary
        .devices
        .iter()
        .find(|class| !vgw.contract.devices.contains(class));
    missing.map_or(Ok(()), |class| {
        Err(not_admitted(format!(
            "it needs a device of class {class}, which the contract does not have; ask the operator for it"
        )))
    })
}

fn new_code(vgw: &VgwRecord, summary: &Summary) -> Result<(), Refusal> {
    if summary.jit && !vgw.contract.jit {
        return Err(not_admitted(
            "it makes code at run time (run.jit), which the contract does not allow; ask the operator for jit"
                .to_owned(),
        ));
    }
    Ok(())
}

/// Bundles of one provider share a network: two of them cannot serve one port.
fn ports(vgw: &VgwRecord, desired: &Desired, summary: &Summary) -> Result<(), Refusal> {
    for (_, protocol, port) in &summary.ports {
        let holder = others(vgw, desired, summary).find(|bundle| {
            bundle
                .summary
                .ports
                .iter()
                .any(|(_, held, number)| (held, number) == (protocol, port))
        });
        if let Some(bundle) = holder {
            return Err(not_admitted(format!(
                "port {port} inside is served by bundle {}; choose another in the manifest",
                bundle.summary.name
            )));
        }
    }
    Ok(())
}
