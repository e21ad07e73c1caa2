//! What a unit's posture should be, from what it was built from
//!
//! The same tables that the recipes work with, and their order's outcome as data.

use std::path::{Path, PathBuf};

use limen_proto::contract::{Guarantees, LEAST_DESCRIPTORS, Limits};
use limen_proto::id::{BundleIndex, Slot};
use limen_proto::jail::{Built, Inspected};
use limen_proto::limits::{REAPER_UID, SLOT_IDS};
use limen_proto::posture::Aspect;
use limen_proto::spec::{BundleSpec, VgwSpec};
use limen_proto::table::{CoreUnit, Network, Role};
use rustix::process::Resource;

use super::mounts::Mounts;
use super::read::KERNEL_LOG;
use super::record::{Difference, Record};
use crate::fault::Fault;
use crate::step::cgroup::{self, OutOfMemory, Share};
use crate::step::limits::{self, Death};
use crate::step::{quota, root};
use crate::sys::quota::{Amount, rounded};

/// The limits that recipes set, as `/proc/PID/limits` names them.
pub(super) const LIMITS: [(&str, Resource); 7] = [
    ("Max core file size", Resource::Core),
    ("Max open files", Resource::Nofile),
    ("Max locked memory", Resource::Memlock),
    ("Max pending signals", Resource::Sigpending),
    ("Max msgqueue size", Resource::Msgqueue),
    ("Max nice priority", Resource::Nice),
    ("Max realtime priority", Resource::Rtprio),
];

/// What should be, and where to look for it.
#[derive(Debug)]
pub(super) struct Expected {
    record: Record,
    /// Where the unit's processes live.
    pub(super) cgroup: PathBuf,
    /// Directory, file, value.
    pub(super) values: Vec<(PathBuf, &'static str, String)>,
    /// Who has a quota on the disk: a slot, or a bundle of it.
    pub(super) quota: Option<(Slot, Option<BundleIndex>)>,
}

impl Expected {
    pub(super) fn text(&self, aspect: Aspect) -> String {
        self.record.text(aspect)
    }

    pub(super) fn differences(&self, found: &Record) -> Vec<Difference> {
        self.record.differences(found)
    }
}

/// The parts in which kinds of units differ.
struct Parts<'a> {
    /// As the box counts.
    user: u32,
    capabilities: u64,
    /// Whose user namespace; none is the box's.
    slot: Option<Slot>,
    namespaces: [(&'static str, &'static str); 8],
    descriptors: u32,
    death: Death,
    mounts: Mounts,
    cgroup: String,
    /// The cgroup that has the limits, and what it was given.
    limited: String,
    limits: &'a Limits,
    guarantees: Guarantees,
    victim: OutOfMemory,
    /// Whose quota on the disk it is, and what it was given.
    quota: Option<(Slot, Option<BundleIndex>, Amount)>,
    output: &'static str,
    /// Whether init hands it the kernel's log.
    kernel_log: bool,
}

/// The posture that a unit should have.
pub(super) fn of(inspected: &Inspected) -> Result<Expected, Fault> {
    let parts = match &inspected.unit {
        Built::Core(unit) => core(unit, format!("core/{}", unit.name)),
        Built::Hand(unit, slot, run) => core(unit, format!("core/{}-{slot}-{run}", unit.name)),
        Built::Vgw(spec) => vgw(spec),
        Built::Bundle(spec) => bundle(spec, inspected.second_name)?,
    };
    let mut record = Record::default();
    let four = |id: u32| format!("{id} {id} {id} {id}");
    record.put(
        Aspect::Identity,
        format!("Uid {0}, Gid {0}, Groups", four(parts.user)),
    );
    let sets = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"];
    let sets = sets.map(|set| format!("{set} {:016x}", parts.capabilities));
    record.put(Aspect::Capabilities, sets.join(", "));
    record.put(Aspect::NoNewPrivileges, "NoNewPrivs 1");
    record.put(Aspect::Seccomp, "Seccomp 2, filtered");
    let map = match parts.slot {
        Some(slot) => format!("0 {} {SLOT_IDS}", slot.first_id()),
        None => format!("0 0 {}", u32::MAX),
    };
    record.put(Aspect::Maps, format!("{map}, {map}"));
    let whose = parts
        .namespaces
        .map(|(kind, whose)| format!("{kind} {whose}"));
    record.put(Aspect::Namespaces, whose.join(", "));
    let hard = LIMITS.map(|(name, resource)| {
        let hard = limits::hard(resource, parts.descriptors);
        format!("{name} {}", hard.unwrap_or_default())
    });
    record.put(Aspect::Limits, hard.join(", "));
    record.put(Aspect::Death, parts.death.score().to_string());
    record.put(Aspect::Personality, "00000000");
    record.put(Aspect::Mounts, parts.mounts.text());
    let output = parts.output;
    let mut descriptors = format!("0 null, 1 {output}, 2 {output}");
    if parts.kernel_log {
        descriptors.push_str(", ");
        descriptors.push_str(KERNEL_LOG);
    }
    record.put(Aspect::Descriptors, descriptors);
    record.put(Aspect::Cgroup, format!("0::/limen/{}", parts.cgroup));

    let place = Path::new(cgroup::LIMEN).join(parts.limited);
    let share = Share {
        limits: parts.limits,
        guarantees: &parts.guarantees,
        victim: parts.victim,
    };
    let values: Vec<_> = cgroup::values(&share)
        .into_iter()
        .map(|(file, value)| (place.clone(), file, value))
        .collect();
    let texts: Vec<_> = values
        .iter()
        .map(|(_, file, value)| format!("{file} {value}"))
        .collect();
    record.put(Aspect::CgroupValues, texts.join(", "));
    if let Some((.., most)) = parts.quota {
        record.put(Aspect::Disk, storage(rounded(most)));
    }
    Ok(Expected {
        record,
        cgroup: Path::new(cgroup::LIMEN).join(parts.cgroup),
        values,
        quota: parts.quota.map(|(slot, bundle, _)| (slot, bundle)),
    })
}

/// A quota as a text.
pub(super) fn storage(most: Amount) -> String {
    format!("bytes {}, inodes {}", most.bytes, most.inodes)
}

const ROOT: (&str, &str) = ("/", "ro,nosuid,nodev,noexec");
const DEVICES: (&str, &str) = ("/dev", "ro,nosuid,noexec");
const READ: &str = "ro,nosuid,nodev,noexec";
const EXECUTE: &str = "ro,nosuid,nodev";
const WRITE: &str = "nosuid,nodev,noexec";

fn core(unit: &CoreUnit, place: String) -> Parts<'_> {
    let mut mounts = Mounts::default();
    for (point, attributes) in [ROOT, DEVICES] {
        mounts.add(point, attributes);
    }
    mounts.add(unit.command.iter().next().unwrap_or_default(), EXECUTE);
    for bind in &unit.binds {
        mounts.add(
            &bind.to,
            match (bind.writable, bind.executable) {
                (true, _) => WRITE,
                (false, true) => EXECUTE,
                (false, false) => READ,
            },
        );
    }
    let network = match unit.network {
        Network::None => "own",
        Network::Host => "box",
    };
    Parts {
        user: unit.user,
        capabilities: unit.capabilities,
        slot: None,
        namespaces: [
            ("cgroup", "own"),
            ("ipc", "own"),
            ("mnt", "own"),
            ("net", network),
            ("pid", "box"),
            ("time", "box"),
            ("user", "box"),
            ("uts", "own"),
        ],
        descriptors: unit.limits.descriptors,
        death: Death::Core,
        mounts,
        cgroup: place.clone(),
        limited: place,
        limits: &unit.limits,
        guarantees: cgroup::claim(&unit.limits),
        victim: OutOfMemory::All,
        quota: None,
        output: match unit.role {
            // It cannot read itself.
            Role::Logger => "something else",
            _ => "pipe",
        },
        // It explains refused system calls.
        kernel_log: unit.role == Role::Steward,
    }
}

fn vgw(spec: &VgwSpec) -> Parts<'_> {
    let mut mounts = Mounts::default();
    mounts.add(ROOT.0, ROOT.1);
    Parts {
        user: spec.slot.first_id() + REAPER_UID,
        capabilities: 0,
        slot: Some(spec.slot),
        namespaces: [
            ("cgroup", "own"),
            ("ipc", "own"),
            ("mnt", "own"),
            ("net", "own"),
            ("pid", "own"),
            ("time", "box"),
            ("user", "own"),
            ("uts", "own"),
        ],
        descriptors: LEAST_DESCRIPTORS,
        death: Death::Reaper,
        mounts,
        cgroup: format!("vgw-{}/core", spec.slot),
        limited: format!("vgw-{}", spec.slot),
        limits: &spec.contract.limits,
        guarantees: spec.contract.guarantees,
        victim: OutOfMemory::One,
        quota: Some((spec.slot, None, quota::of_contract(&spec.contract))),
        output: "pipe",
        kernel_log: false,
    }
}

fn bundle(spec: &BundleSpec, second_name: bool) -> Result<Parts<'_>, Fault> {
    let mut mounts = Mounts::default();
    for (point, attributes) in [ROOT, DEVICES, ("/proc", WRITE), ("/run/limen", READ)] {
        mounts.add(point, attributes);
    }
    for name in root::entries(&spec.slot.to_string(), &spec.digest)? {
        mounts.add(&format!("/{name}"), EXECUTE);
    }
    if spec.user.is_some() {
        for file in root::USER_FILES {
            mounts.add(file, READ);
        }
    }
    if spec.temporary != 0 {
        mounts.add("/tmp", WRITE);
    }
    for volume in &spec.volumes {
        mounts.add(&volume.path, WRITE);
    }
    let end = if second_name { "s" } else { "" };
    let place = format!("vgw-{}/b{}{end}", spec.slot, spec.index);
    Ok(Parts {
        user: spec.index.outer_id(spec.slot),
        capabilities: 0,
        slot: Some(spec.slot),
        namespaces: [
            ("cgroup", "own"),
            ("ipc", "vgw"),
            ("mnt", "own"),
            ("net", "vgw"),
            ("pid", "vgw"),
            ("time", "box"),
            ("user", "vgw"),
            ("uts", "vgw"),
        ],
        descriptors: spec.limits.descriptors,
        death: Death::Bundle {
            guaranteed: spec.guarantees.memory,
        },
        mounts,
        cgroup: place.clone(),
        limited: place,
        limits: &spec.limits,
        guarantees: spec.guarantees,
        victim: OutOfMemory::All,
        quota: Some((
            spec.slot,
            Some(spec.index),
            quota::of_storage(&spec.storage),
        )),
        output: "pipe",
        kernel_log: false,
    })
}
