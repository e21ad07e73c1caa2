//! What the kernel says of a unit: `/proc` and the cgroup
//!
//! Read by root of the box, from outside of the unit's namespaces, so its own view is not asked.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use limen_proto::id::{BundleIndex, Slot};
use limen_proto::jail::{Inspected, Step};
use limen_proto::posture::Aspect;
use rustix::fs::makedev;

use super::expected::{Expected, LIMITS, storage};
use super::mounts::Mounts;
use super::record::Record;
use crate::fault::{At, Fault};
use crate::step::quota;

const STEP: Step = Step::Posture;
/// How an open `/dev/kmsg` is told.
pub(super) const KERNEL_LOG: &str = "the kernel's log";
/// Every kind that a process can have.
const KINDS: [&str; 8] = ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"];

/// Everything about a unit.
pub(super) fn unit(inspected: &Inspected, expected: &Expected) -> Result<Record, Fault> {
    let main = inspected.process;
    let mut record = Record::default();
    for process in processes(&expected.cgroup)? {
        threads(process, inspected.reaper, &mut record)?;
    }
    record.put(Aspect::Maps, maps(main)?);
    record.put(Aspect::Limits, limits(&text(main, "limits")?));
    record.put(Aspect::Death, text(main, "oom_score_adj")?.trim());
    record.put(Aspect::Personality, text(main, "personality")?.trim());
    record.put(Aspect::Cgroup, text(main, "cgroup")?.trim());
    let (numbers, mounts) = Mounts::parse(&text(main, "mountinfo")?);
    record.put(Aspect::Mounts, mounts.text());
    record.put(Aspect::Descriptors, descriptors(main, &numbers)?);
    record.put(Aspect::CgroupValues, values(expected)?);
    if let Some((slot, bundle)) = expected.quota {
        record.put(Aspect::Disk, quota(slot, bundle, expected));
    }
    Ok(record)
}

fn text(process: u32, file: &str) -> Result<String, Fault> {
    let path = format!("/proc/{process}/{file}");
    fs::read_to_string(&path).at(STEP, "read", path)
}

fn processes(cgroup: &Path) -> Result<Vec<u32>, Fault> {
    let path = cgroup.join("cgroup.procs");
    let list = fs::read_to_string(&path).at(STEP, "read", path.display())?;
    Ok(list.lines().filter_map(|line| line.parse().ok()).collect())
}

/// What each thread has of its own. One that ends meanwhile is left out.
fn threads(process: u32, reaper: u32, record: &mut Record) -> Result<(), Fault> {
    let folder = format!("/proc/{process}/task");
    let list = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.at(STEP, "list", &folder)?,
    };
    for thread in list.flatten() {
        let Ok(status) = fs::read_to_string(thread.path().join("status")) else {
            continue;
        };
        // Who has ended and waits to be reaped has no namespaces any more.
        if field(&status, "State").starts_with('Z') || field(&status, "State").starts_with('X') {
            continue;
        }
        for (aspect, text) in of_status(&status) {
            record.put(aspect, text);
        }
        if let Ok(text) = namespaces(&thread.path(), reaper) {
            record.put(Aspect::Namespaces, text);
        }
    }
    Ok(())
}

/// The aspects that `/proc/PID/status` shows.
pub(super) fn of_status(status: &str) -> [(Aspect, String); 4] {
    let list = |names: &[&str]| {
        let texts = names.iter().map(|name| {
            let words: Vec<_> = field(status, name).split_whitespace().collect();
            format!("{name} {}", words.join(" ")).trim_end().to_owned()
        });
        texts.collect::<Vec<_>>().join(", ")
    };
    // limen-jail's, and within that its own. A program may narrow itself further.
    let filtered = match field(status, "Seccomp_filters") {
        "" | "0" => "no filter",
        "1" => "no filter of its own",
        _ => "filtered",
    };
    [
        (Aspect::Identity, list(&["Uid", "Gid", "Groups"])),
        (
            Aspect::Capabilities,
            list(&["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]),
        ),
        (Aspect::NoNewPrivileges, list(&["NoNewPrivs"])),
        (
            Aspect::Seccomp,
            format!("{}, {filtered}", list(&["Seccomp"])),
        ),
    ]
}

fn field<'a>(status: &'a str, name: &str) -> &'a str {
    let lines = status.lines();
    lines
        .filter_map(|line| line.split_once(':'))
        .find(|(known, _)| *known == name)
        .map_or("", |(_, value)| value.trim())
}

fn maps(process: u32) -> Result<String, Fault> {
    let one = |file| text(process, file).map(|text| words(&text));
    Ok(format!("{}, {}", one("uid_map")?, one("gid_map")?))
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Of each kind: whether it is the box's, the virtual gateway's or the unit's own.
fn namespaces(thread: &Path, reaper: u32) -> io::Result<String> {
    let reaper = format!("/proc/{reaper}");
    let mut list = Vec::new();
    for kind in KINDS {
        let of = |process: &Path| fs::read_link(process.join("ns").join(kind));
        let found = of(thread)?;
        let whose = if found == of(Path::new("/proc/self"))? {
            "box"
        } else if of(Path::new(&reaper)).is_ok_and(|other| other == found) {
            "vgw"
        } else {
            "own"
        };
        list.push(format!("{kind} {whose}"));
    }
    Ok(list.join(", "))
}

/// The hard limits that the recipes set; a program moves its soft ones as it likes.
pub(super) fn limits(text: &str) -> String {
    let one = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().nth(1).map(str::to_owned)
    };
    let list = LIMITS.iter().map(|(name, _)| {
        let hard = one(name).unwrap_or_default();
        format!("{name} {hard}")
    });
    list.collect::<Vec<_>>().join(", ")
}

/// The standard ones, and every other one that means a file on a mount that is not the unit's.
fn descriptors(process: u32, mounts: &[u64]) -> Result<String, Fault> {
    let folder = format!("/proc/{process}/fd");
    let mut outside = Vec::new();
    let mut standard = Vec::new();
    for entry in fs::read_dir(&folder).at(STEP, "list", &folder)?.flatten() {
        let number = entry.file_name().to_string_lossy().into_owned();
        let Ok(target) = fs::read_link(entry.path()) else {
            continue;
        };
        let kind = kind(&entry.path());
        if ["0", "1", "2"].contains(&number.as_str()) {
            standard.push(format!("{number} {kind}"));
            continue;
        }
        // The null device leads nowhere, whoever's node it was; files in memory have no mount.
        if kind == "null" || target.starts_with("/memfd:") {
            continue;
        }
        // Handed over by init, so its number says nothing.
        if kind == KERNEL_LOG {
            outside.push(kind.to_owned());
            continue;
        }
        let info = text(process, &format!("fdinfo/{number}")).unwrap_or_default();
        let mount = field(&info, "mnt_id").parse::<u64>();
        if target.is_absolute() && !mount.is_ok_and(|mount| mounts.contains(&mount)) {
            outside.push(format!("{number} leads to {}", target.display()));
        }
    }
    standard.sort();
    outside.sort();
    standard.extend(outside);
    Ok(standard.join(", "))
}

fn kind(path: &Path) -> &'static str {
    match fs::metadata(path) {
        Ok(file) if file.file_type().is_char_device() && file.rdev() == makedev(1, 3) => "null",
        Ok(file) if file.file_type().is_char_device() && file.rdev() == makedev(1, 11) => {
            KERNEL_LOG
        }
        Ok(file) if file.file_type().is_fifo() => "pipe",
        _ => "something else",
    }
}

/// What the files say whose values are expected. One that this kernel lacks does nothing.
fn values(expected: &Expected) -> Result<String, Fault> {
    let mut list = Vec::new();
    for (folder, file, value) in &expected.values {
        let path = folder.join(file);
        let found = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => value.clone(),
            other => other.at(STEP, "read", path.display())?,
        };
        list.push(format!("{file} {}", found.trim()));
    }
    Ok(list.join(", "))
}

/// The quota in force. A disk without quotas of this kind has none to compare: that is in the posture
/// by itself.
fn quota(slot: Slot, bundle: Option<BundleIndex>, expected: &Expected) -> String {
    match quota::in_force(slot, bundle) {
        Some(most) => storage(most),
        None => expected.text(Aspect::Disk),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Name:\tsh\nState:\tS (sleeping)\nUid:\t66536\t66536\t66536\t66536\n\
        Gid:\t66536\t66536\t66536\t66536\nGroups:\t \nCapInh:\t0000000000000000\n\
        CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000\n\
        CapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t2\n";

    #[test]
    fn a_status_is_read_by_its_names() {
        let [identity, capabilities, privileges, seccomp] = of_status(STATUS);
        assert_eq!(
            identity.1,
            "Uid 66536 66536 66536 66536, Gid 66536 66536 66536 66536, Groups"
        );
        assert!(
            capabilities
                .1
                .starts_with("CapInh 0000000000000000, CapPrm")
        );
        assert_eq!(privileges.1, "NoNewPrivs 1");
        assert_eq!(seccomp.1, "Seccomp 2, filtered");
    }

    #[test]
    fn hard_limits_are_read() {
        let text = "Limit                     Soft Limit           Hard Limit           Units     \n\
            Max core file size        0                    0                    bytes     \n\
            Max open files            1024                 4096                 files     \n";
        assert!(limits(text).starts_with("Max core file size 0, Max open files 4096"));
    }
}
