//! What a bundle has of its virtual gateway's contract
//!
//! A manifest asks, the contract bounds: a bundle never has more than both. The contract may have
//! shrunk since the bundle was installed. Its share of guaranteed memory is all that it may use;
//! the kernel scales the shares of all bundles to what the virtual gateway is guaranteed.

use limen_proto::contract::{Contract, Guarantees, Limits};
use limen_proto::limits::BUNDLES_PER_SLOT;
use limen_proto::name::Name;
use limen_proto::spec::{BundleShare, BundleSpec, Storage};

use super::desired::{Desired, VgwRecord};
use super::spec::bundle_spec;

/// What a bundle is started from, as far as the contract allows it.
pub fn within(spec: BundleSpec, contract: &Contract) -> BundleSpec {
    let limits = bounded(&spec.limits, &contract.limits);
    let held = |class: &Name| contract.devices.contains(class);
    BundleSpec {
        jit: spec.jit && contract.jit,
        spare: spec.spare && contract.warm,
        guarantees: Guarantees {
            cpu_percent: 0,
            memory: limits.memory.min(contract.guarantees.memory),
        },
        limits,
        storage: Storage {
            inodes: inodes(spec.storage.bytes, contract),
            ..spec.storage
        },
        devices: spec.devices.into_iter().filter(held).collect(),
        ..spec
    }
}

/// The shares of all bundles that are installed: what is adjusted with the contract.
pub fn shares(vgw: &VgwRecord, desired: &Desired) -> heapless::Vec<BundleShare, BUNDLES_PER_SLOT> {
    let specs = desired.installed(vgw.slot);
    let specs = specs.filter_map(|bundle| bundle_spec(bundle).ok());
    let shares = specs.map(|spec| {
        let spec = within(spec, &vgw.contract);
        BundleShare {
            index: spec.index,
            limits: spec.limits,
            guarantees: spec.guarantees,
            storage: spec.storage,
        }
    });
    shares.take(BUNDLES_PER_SLOT).collect()
}

/// The keys that a running bundle is held to for life: Landlock, the system-call filter, its own
/// `/dev` and the limits of a process are not changed from outside.
pub fn fixed(before: &BundleSpec, after: &BundleSpec) -> Vec<&'static str> {
    let keys = [
        ("jit", before.jit != after.jit),
        ("devices", before.devices != after.devices),
        (
            "limits.descriptors",
            before.limits.descriptors != after.limits.descriptors,
        ),
    ];
    let changed = keys.into_iter().filter(|(_, changed)| *changed);
    changed.map(|(key, _)| key).collect()
}

/// Files that volumes of so many bytes may hold: the same part of the contract's; none without volumes.
pub fn inodes(bytes: u64, contract: &Contract) -> u32 {
    /// A small volume is of use too.
    const LEAST: u128 = 16;
    if bytes == 0 {
        return 0;
    }
    let part = u128::from(bytes) * u128::from(contract.inodes) / u128::from(contract.disk.max(1));
    let most = u128::from(contract.inodes);
    u32::try_from(part.max(LEAST).min(most)).unwrap_or(u32::MAX)
}

fn bounded(asked: &Limits, contract: &Limits) -> Limits {
    // Of these 0 is no limit of its own: the virtual gateway's holds then.
    let least = |asked: u64, bound: u64| match bound {
        0 => asked,
        bound => asked.min(bound),
    };
    let cpu_percent = match contract.cpu_percent {
        0 => asked.cpu_percent,
        bound => asked.cpu_percent.min(bound),
    };
    let memory = asked.memory.min(contract.memory);
    Limits {
        cpu_percent,
        cpu_burst_ms: asked.cpu_burst_ms.min(cpu_percent),
        cpu_weight: asked.cpu_weight,
        memory,
        memory_high: asked.memory_high.min(memory),
        processes: asked.processes.min(contract.processes),
        descriptors: asked.descriptors.min(contract.descriptors),
        read_rate: least(asked.read_rate, contract.read_rate),
        write_rate: least(asked.write_rate, contract.write_rate),
    }
}
