//! Limits of a cgroup, and the end of a tree of them
//!
//! init makes the directories, and what becomes a unit is born in one: it writes the limits before it
//! does anything that costs memory. It gets its cgroup as a descriptor, so the layout of the tree is
//! init's alone. Only the virtual gateway's own directory is found by name: adjusting and
//! destroying are done from elsewhere.
//!
//! A cgroup that was killed is never used again: on Linux 6.12 a child cloned into it dies at once.

mod disk;
mod knob;

use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use limen_proto::account::Counters;
use limen_proto::contract::{Guarantees, Limits};
use limen_proto::id::{BundleIndex, Slot};
use limen_proto::jail::Step;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

use crate::counters;
use crate::fault::{At, Fault};

use knob::Knob;

const STEP: Step = Step::Cgroup;
/// The box's own part of the tree.
pub(crate) const LIMEN: &str = "/sys/fs/cgroup/limen";
/// Longest wait for killed processes to be gone, seconds. Only a process stuck in a driver takes
/// longer than milliseconds.
const PATIENCE: i64 = 5;
const DIRECTORY: OFlags = OFlags::PATH
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// An open cgroup directory.
#[derive(Debug)]
pub(crate) struct Cgroup {
    directory: OwnedFd,
    path: PathBuf,
}

/// What dies when the memory limit is hit and nothing can be reclaimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutOfMemory {
    /// The whole cgroup: a program without one of its processes is in no state that it knows.
    All,
    /// The process that the kernel picks: a virtual gateway's bundles do not die for each other.
    One,
}

/// What a cgroup is given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share<'a> {
    pub(crate) limits: &'a Limits,
    pub(crate) guarantees: &'a Guarantees,
    pub(crate) victim: OutOfMemory,
}

impl Cgroup {
    /// The one that init made for this process.
    pub(crate) fn given(directory: BorrowedFd<'_>) -> Result<Self, Fault> {
        let path = PathBuf::from("the unit's cgroup");
        let directory =
            rustix::io::fcntl_dupfd_cloexec(directory, 3).at(STEP, "duplicate", path.display())?;
        Ok(Self { directory, path })
    }

    /// The one above.
    pub(crate) fn above(&self) -> Result<Self, Fault> {
        let directory = rustix::fs::openat(&self.directory, "..", DIRECTORY, Mode::empty()).at(
            STEP,
            "open",
            "the cgroup above",
        )?;
        Ok(Self {
            directory,
            path: PathBuf::from("the virtual gateway's cgroup"),
        })
    }

    /// A virtual gateway's.
    pub(crate) fn of_vgw(slot: Slot) -> Result<Self, Fault> {
        Self::open(vgw_path(slot))
    }

    /// A bundle's that are there: its own and its spare's, which take two names in turn.
    pub(crate) fn of_bundle(slot: Slot, index: BundleIndex) -> Vec<Self> {
        let paths = ["", "s"].map(|end| vgw_path(slot).join(format!("b{index}{end}")));
        paths.into_iter().flat_map(Self::open).collect()
    }

    /// Whether it was not removed meanwhile. Only for one that was opened by its name.
    pub(crate) fn is_there(&self) -> bool {
        self.path.exists()
    }

    fn open(path: PathBuf) -> Result<Self, Fault> {
        let directory = rustix::fs::openat(CWD, &path, DIRECTORY, Mode::empty()).at(
            STEP,
            "open",
            path.display(),
        )?;
        Ok(Self { directory, path })
    }

    /// Sets what these limits and guarantees say, in a cgroup that nobody wrote to yet.
    pub(crate) fn limit(&self, share: &Share<'_>) -> Result<(), Fault> {
        let changes = |knob: &Knob| knob.value != knob.fresh;
        let knobs = knob::knobs(share.limits, share.guarantees, share.victim);
        knobs
            .iter()
            .filter(|knob| changes(knob))
            .try_for_each(|knob| self.turn(knob))?;
        match share.limits.read_rate | share.limits.write_rate {
            0 => Ok(()),
            _ => self.limit_disk(share.limits),
        }
    }

    /// The same for a program of the core: what the kernel cannot limit it does not limit. The core
    /// is trusted, and must live to tell what is missing.
    pub(crate) fn limit_core(&self, share: &Share<'_>) -> Result<(), Fault> {
        let knobs = knob::knobs(share.limits, share.guarantees, share.victim);
        let there = |knob: &&Knob| knob.value != knob.fresh && has(knob.file);
        knobs
            .iter()
            .filter(there)
            .try_for_each(|knob| self.turn(knob))?;
        match share.limits.read_rate | share.limits.write_rate {
            0 => Ok(()),
            _ => self.limit_disk(share.limits),
        }
    }

    /// Sets what these limits and guarantees say, whatever was set before.
    pub(crate) fn change(&self, share: &Share<'_>) -> Result<(), Fault> {
        let knobs = knob::knobs(share.limits, share.guarantees, share.victim);
        knobs.iter().try_for_each(|knob| self.turn(knob))?;
        // The first rate on a disk makes the kernel stop it and wait for everybody who uses it.
        match share.limits.read_rate | share.limits.write_rate {
            0 if !self.has_disk_rates() => Ok(()),
            _ => self.limit_disk(share.limits),
        }
    }

    /// Whether there is a rate to lift. Without the controller, or without a disk, there is none.
    fn has_disk_rates(&self) -> bool {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.directory, "io.max", flags, Mode::empty());
        let first = file.and_then(|file| rustix::io::read(&file, &mut [0u8; 1][..]));
        first.is_ok_and(|length| length > 0)
    }

    fn turn(&self, knob: &Knob) -> Result<(), Fault> {
        match self.write(knob.file, &knob.value) {
            Ok(()) => Ok(()),
            // A kernel that cannot do it does nothing of it either; and one without swap never
            // swaps.
            Err(Errno::NOENT) if knob.value == knob.fresh || knob.file == "memory.swap.max" => {
                Ok(())
            }
            Err(errno) => {
                let path = self.path.join(knob.file);
                let object = format!("{} to {} ({})", path.display(), knob.value, knob.needs);
                Err(Fault::new(STEP, "set", object, errno))
            }
        }
    }

    fn limit_disk(&self, limits: &Limits) -> Result<(), Fault> {
        let value = knob::disk(limits, &disk::numbers()?);
        self.write("io.max", &value).map_err(|errno| {
            let path = self.path.join("io.max");
            let needs = "needs CONFIG_BLK_CGROUP and CONFIG_BLK_DEV_THROTTLING, or a contract \
                         without read and write rates";
            let object = format!("{} to {value} ({needs})", path.display());
            Fault::new(STEP, "set", object, errno)
        })
    }

    fn write(&self, file: &str, value: &str) -> Result<(), Errno> {
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.directory, file, flags, Mode::empty())?;
        rustix::io::write(&file, value.as_bytes()).map(drop)
    }

    /// The numbers of what runs in it, not below.
    pub(crate) fn processes(&self) -> Result<String, Fault> {
        let path = self.path.join("cgroup.procs");
        fs::read_to_string(&path).at(STEP, "read", path.display())
    }

    /// Kills everything below and waits until it is gone.
    fn kill(&self) -> Result<(), Fault> {
        let kill = self.path.join("cgroup.kill");
        self.write("cgroup.kill", "1")
            .at(STEP, "set", kill.display())?;
        let path = self.path.join("cgroup.events");
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let events = rustix::fs::openat(&self.directory, "cgroup.events", flags, Mode::empty())
            .at(STEP, "open", path.display())?;
        let mut text = [0; 256];
        loop {
            let length =
                rustix::io::pread(&events, &mut text, 0).at(STEP, "read", path.display())?;
            let lines = text.get(..length).unwrap_or_default();
            if lines.windows(11).any(|part| part == b"populated 0") {
                return Ok(());
            }
            let mut wait = [PollFd::from_borrowed_fd(events.as_fd(), PollFlags::PRI)];
            let limit = Timespec {
                tv_sec: PATIENCE,
                tv_nsec: 0,
            };
            if poll(&mut wait, Some(&limit)).at(STEP, "wait for", path.display())? == 0 {
                return Err(Fault::new(
                    STEP,
                    "end all of",
                    path.display(),
                    Errno::TIMEDOUT,
                ));
            }
        }
    }
}

/// Whether the kernel has a file for the groups of the box's own part of the tree.
pub(crate) fn has(file: &str) -> bool {
    Path::new(LIMEN).join(file).exists()
}

/// What a core unit claims: all that it may have. The kernel scales the claims to what their branch
/// is guaranteed.
pub(crate) fn claim(limits: &Limits) -> Guarantees {
    Guarantees {
        memory: limits.memory,
        ..Guarantees::default()
    }
}

/// What the files of a cgroup say that was given this share. Memory is counted in whole pages.
pub(crate) fn values(share: &Share<'_>) -> Vec<(&'static str, String)> {
    let page = u64::try_from(rustix::param::page_size()).unwrap_or(1);
    let mut list: Vec<(&str, String)> = Vec::new();
    for Knob { file, value, .. } in knob::knobs(share.limits, share.guarantees, share.victim) {
        let whole = match (file, value.parse::<u64>()) {
            ("memory.max" | "memory.min" | "memory.high", Ok(bytes)) => {
                (bytes / page * page).to_string()
            }
            _ => value,
        };
        list.retain(|(known, _)| *known != file);
        list.push((file, whole));
    }
    list
}

/// Kills what runs in a virtual gateway, and returns what all that ever ran there has used. What is
/// not there is no error.
pub(crate) fn end_vgw(slot: Slot) -> Result<Counters, Fault> {
    if !vgw_path(slot).exists() {
        return Ok(Counters::default());
    }
    let cgroup = Cgroup::of_vgw(slot)?;
    cgroup.kill()?;
    Ok(counters::read(cgroup.directory.as_fd()))
}

/// Removes the cgroups of a virtual gateway that ended. What is not there is no error.
pub(crate) fn remove_vgw(slot: Slot) -> Result<(), Fault> {
    let path = vgw_path(slot);
    if path.exists() { remove(&path) } else { Ok(()) }
}

/// Removes the leaves first. A cgroup has files that cannot be removed and directories that can.
fn remove(path: &Path) -> Result<(), Fault> {
    for entry in fs::read_dir(path).at(STEP, "list", path.display())? {
        let entry = entry.at(STEP, "list", path.display())?;
        if entry
            .file_type()
            .at(STEP, "look at", path.display())?
            .is_dir()
        {
            remove(&entry.path())?;
        }
    }
    fs::remove_dir(path).at(STEP, "remove", path.display())
}

fn vgw_path(slot: Slot) -> PathBuf {
    Path::new(LIMEN).join(format!("vgw-{slot}"))
}
