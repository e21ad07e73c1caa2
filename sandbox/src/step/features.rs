//! What the kernel has: looked at once at boot, by asking it
//!
//! Each look is one that the kernel answers without side effects; what it lacks is said on the
//! console and noted for the steward. Nothing is refused here: a unit that needs what is not there
//! fails at the step that needs it, by name.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use landlock::{ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr};
use limen_proto::feature::{Feature, NOTE};
use limen_proto::jail::Step;

use super::{cgroup, quota};
use crate::fault::{At, Fault};

/// Namespaces that a virtual gateway has of its own.
const NAMESPACES: [&str; 7] = ["user", "pid", "mnt", "net", "ipc", "uts", "cgroup"];

/// Says and notes what is missing. `firewall` tells whether the network could be prepared.
pub(crate) fn note(firewall: bool) -> Result<(), Fault> {
    let mut names = String::new();
    for feature in Feature::ALL {
        let there = match feature {
            Feature::Firewall => firewall,
            other => has(other),
        };
        if !there {
            let need = feature.need();
            let required = if need.required { " (required)" } else { "" };
            let line = format!(
                "kernel: lacks {}{required}: {}; {}\n",
                need.name, need.costs, need.remedy
            );
            // In one piece: others write to the console meanwhile.
            let _ = std::io::stderr().write_all(line.as_bytes());
            names.push_str(need.name);
            names.push('\n');
        }
    }
    // Renamed into place: who finds it finds all of it.
    let next = format!("{NOTE}.next");
    fs::write(&next, names).at(Step::Task, "write", &next)?;
    fs::rename(&next, NOTE).at(Step::Task, "write", NOTE)
}

fn has(feature: Feature) -> bool {
    let exists = |path: &str| Path::new(path).exists();
    match feature {
        Feature::MemoryControl => cgroup::has("memory.max"),
        Feature::ProcessControl => cgroup::has("pids.max"),
        Feature::ProcessorShares => cgroup::has("cpu.weight"),
        Feature::GroupKill => cgroup::has("cgroup.kill"),
        Feature::ProcessorLimits => cgroup::has("cpu.max"),
        Feature::ProcessorBursts => cgroup::has("cpu.max.burst"),
        Feature::DiskRates => cgroup::has("io.max"),
        Feature::Namespaces => {
            let users = fs::read_to_string("/proc/sys/user/max_user_namespaces");
            let some = users.is_ok_and(|most| most.trim() != "0");
            some && NAMESPACES
                .iter()
                .all(|name| exists(&format!("/proc/self/ns/{name}")))
        }
        Feature::Landlock => Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(ABI::V1))
            .and_then(Ruleset::create)
            .is_ok(),
        Feature::Seccomp => exists("/proc/sys/kernel/seccomp/actions_avail"),
        // The caller knows; asking again would build it again.
        Feature::Firewall => true,
        Feature::Tracking => exists("/proc/sys/net/netfilter/nf_conntrack_max"),
        Feature::DiskQuota => quota::is_there(),
        Feature::VolumeQuota => quota::is_there_for_users(),
        Feature::MemoryFiles => exists("/proc/sys/vm/memfd_noexec"),
    }
}
