//! Reading the box: memory, processors, disk, the use of a unit
//!
//! Text files of the kernel, bound read-only into the steward's root. What cannot be read counts as
//! nothing: a contract is then refused for want of room, never admitted for want of a number.

use std::fs;
use std::path::{Path, PathBuf};

use limen_proto::account::{Counters, FILES};
use limen_proto::id::UnitId;
use limen_proto::manage::Usage;
use limen_proto::name::Name;

use crate::core::turn::Capacity;

/// Where the steward finds the box.
#[derive(Debug, Clone)]
pub struct Places {
    /// Its own folder.
    pub state: PathBuf,
    /// What the image's maker or the operator put on the data disk.
    pub provision: PathBuf,
    /// The cgroup below which init makes all others.
    pub cgroups: PathBuf,
    /// The kernel's account of memory.
    pub meminfo: PathBuf,
    /// The compiled table of core units.
    pub table: PathBuf,
    /// What the early stage has to say.
    pub notes: PathBuf,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            state: "/data/limen/state".into(),
            provision: "/data/limen/provision".into(),
            cgroups: "/sys/fs/cgroup/limen".into(),
            meminfo: "/proc/meminfo".into(),
            table: limen_proto::table::UNITS_PATH.into(),
            notes: "/run/limen/notes".into(),
        }
    }
}

/// What the box has.
pub(super) fn capacity(places: &Places) -> Capacity {
    let (memory, memory_available) = memory(&places.meminfo);
    let disk = rustix::fs::statvfs(&places.state).ok();
    Capacity {
        memory,
        memory_available,
        cores: cores(),
        disk: disk
            .as_ref()
            .map_or(0, |disk| disk.f_blocks.saturating_mul(disk.f_frsize)),
        inodes: disk.as_ref().map_or(0, |disk| disk.f_files),
    }
}

fn memory(meminfo: &Path) -> (u64, u64) {
    let text = fs::read_to_string(meminfo).unwrap_or_default();
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kilobytes.saturating_mul(1024))
    };
    match (field("MemTotal:"), field("MemAvailable:")) {
        (Some(total), available) => (total, available.unwrap_or(0)),
        (None, _) => {
            // No /proc in this root: the system call knows all but what could be reclaimed.
            let info = rustix::system::sysinfo();
            let unit = u64::from(info.mem_unit.max(1));
            let bytes = |count: u64| count.saturating_mul(unit);
            (
                bytes(info.totalram as u64),
                bytes(info.freeram as u64).saturating_add(bytes(info.bufferram as u64)),
            )
        }
    }
}

fn cores() -> u16 {
    let cores = rustix::thread::sched_getaffinity(None).map_or(1, |set| set.count());
    u16::try_from(cores).unwrap_or(u16::MAX)
}

/// The cgroups of a unit: two of a bundle, which has two names for itself and its spare in turn and
/// uses what both use.
fn folders(places: &Places, core_units: &[Name], unit: UnitId) -> Vec<PathBuf> {
    let names = match unit {
        UnitId::Core(number) => match core_units.get(usize::from(number)) {
            Some(name) => vec![format!("core/{name}")],
            None => Vec::new(),
        },
        UnitId::Vgw(slot) => vec![format!("vgw-{slot}")],
        UnitId::Bundle(slot, index) => {
            vec![
                format!("vgw-{slot}/b{index}"),
                format!("vgw-{slot}/b{index}s"),
            ]
        }
        UnitId::Hand(..) => Vec::new(),
    };
    names.iter().map(|name| places.cgroups.join(name)).collect()
}

/// What the present life of a unit has used, its spare included.
pub(super) fn counters(places: &Places, core_units: &[Name], unit: UnitId) -> Counters {
    let of_one = |folder: PathBuf| {
        let mut counters = Counters::default();
        for file in FILES {
            counters.take(
                file,
                &fs::read_to_string(folder.join(file)).unwrap_or_default(),
            );
        }
        counters
    };
    let folders = folders(places, core_units, unit);
    let all = folders.into_iter().map(of_one);
    all.fold(Counters::default(), Counters::and)
}

/// What a unit uses now.
pub(super) fn usage(places: &Places, core_units: &[Name], unit: UnitId) -> Usage {
    let mut usage = Usage::default();
    for folder in folders(places, core_units, unit) {
        let processes = number(&folder.join("pids.current"));
        usage.cpu_us = usage.cpu_us.saturating_add(cpu(&folder));
        usage.memory = usage
            .memory
            .saturating_add(number(&folder.join("memory.current")));
        usage.processes = usage
            .processes
            .saturating_add(u32::try_from(processes).unwrap_or(u32::MAX));
    }
    usage
}

fn number(path: &Path) -> u64 {
    fs::read_to_string(path)
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(0)
}

fn cpu(folder: &Path) -> u64 {
    fs::read_to_string(folder.join("cpu.stat"))
        .ok()
        .and_then(|text| {
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix("usage_usec "))?;
            line.trim().parse().ok()
        })
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use limen_proto::id::Slot;

    use super::*;

    #[test]
    fn a_unit_is_read_from_its_cgroup() {
        let folder = tempfile::tempdir().unwrap();
        let vgw = folder.path().join("vgw-3");
        fs::create_dir(&vgw).unwrap();
        fs::write(vgw.join("memory.current"), "4096\n").unwrap();
        fs::write(vgw.join("pids.current"), "7\n").unwrap();
        fs::write(vgw.join("cpu.stat"), "usage_usec 123\nuser_usec 100\n").unwrap();
        let places = Places {
            cgroups: folder.path().to_owned(),
            ..Places::default()
        };
        let slot = Slot::new(3).unwrap();
        let expected = Usage {
            cpu_us: 123,
            memory: 4096,
            processes: 7,
            ..Usage::default()
        };
        assert_eq!(usage(&places, &[], UnitId::Vgw(slot)), expected);
        assert_eq!(usage(&places, &[], UnitId::Core(0)), Usage::default());
    }

    #[test]
    fn memory_is_read_in_bytes_and_found_without_proc() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(
            &file,
            "MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable: 600 kB\n",
        )
        .unwrap();
        assert_eq!(memory(file.path()), (1_024_000, 614_400));
        assert!(memory(Path::new("/does/not/exist")).0 > 0);
    }
}
