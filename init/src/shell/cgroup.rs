//! The cgroup tree: one fresh leaf a life
//!
//! `limen/core/<name>` for the core's programs, `limen/vgw-<slot>/core` for a reaper and
//! `limen/vgw-<slot>/b<index>` for a bundle, or `b<index>s` where a spare of it has the other name.
//! A leaf that was killed is removed and never used again:
//! Linux 6.12 ends a child that is cloned into one at once, and says nothing. Kills are written to
//! leaves only, so that the inner nodes stay usable. No task is ever moved.

use core::fmt::Write as _;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use heapless::String;
use limen_proto::account::Counters;
use limen_proto::id::{Slot, UnitId};
use limen_proto::limits::{CORE_MEMORY, CORE_WEIGHT};
use limen_sandbox::counters;
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::journal::{Journal, Level};

/// Where cgroup v2 is mounted.
const MOUNT: &str = "/sys/fs/cgroup";
/// Controllers without which no unit is started.
const REQUIRED: [(&str, &[u8]); 3] = [("cpu", b"+cpu"), ("memory", b"+memory"), ("pids", b"+pids")];
/// Those, and what is used where it is there.
const CONTROLLERS: &[u8] = b"+cpu +memory +pids +io";

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);

/// A path below the tree. Names have at most 32 bytes.
pub(super) type GroupPath = String<64>;

/// The tree's root, `limen`.
pub(super) struct Tree(OwnedFd);

/// The leaf of one life.
pub(super) struct Group {
    path: GroupPath,
    directory: OwnedFd,
    events: OwnedFd,
}

impl Tree {
    /// Opens or makes the root and the core's branch, with every controller handed down.
    ///
    /// # Errors
    /// No cgroup v2, or it cannot be written.
    pub(super) fn open(journal: &Journal) -> Result<Self, Errno> {
        let mount = rustix::fs::open(MOUNT, DIRECTORY, Mode::empty())?;
        hand_down(&mount, journal);
        make_directory(&mount, "limen")?;
        let root = rustix::fs::openat(&mount, "limen", DIRECTORY, Mode::empty())?;
        hand_down(&root, journal);
        make_directory(&root, "core")?;
        let core = rustix::fs::openat(&root, "core", DIRECTORY, Mode::empty())?;
        hand_down(&core, journal);
        // A guarantee holds as far down as everything above it has one. Admission keeps the sum of
        // what is guaranteed below this root within the box.
        set(&root, "memory.min", format_args!("max"), journal);
        set(&core, "memory.min", format_args!("{CORE_MEMORY}"), journal);
        set(&core, "cpu.weight", format_args!("{CORE_WEIGHT}"), journal);
        Ok(Self(root))
    }

    /// A fresh leaf for a life. `other`: under the other of a bundle's two names.
    ///
    /// # Errors
    /// The old one still holds processes (EBUSY), or memory ran out.
    pub(super) fn make(
        &self,
        unit: UnitId,
        name: &str,
        other: bool,
        journal: &Journal,
    ) -> Result<Group, Errno> {
        if let UnitId::Vgw(slot) = unit {
            let path = vgw_path(slot);
            make_directory(&self.0, &path)?;
            let inner = rustix::fs::openat(&self.0, path.as_str(), DIRECTORY, Mode::empty())?;
            hand_down(&inner, journal);
        }
        self.make_at(leaf_path(unit, name, other))
    }

    /// A fresh leaf of the core's branch that belongs to no unit.
    ///
    /// # Errors
    /// As [`Tree::make`].
    pub(super) fn make_core(&self, name: &str) -> Result<Group, Errno> {
        self.make_at(leaf_path(UnitId::Core(0), name, false))
    }

    fn make_at(&self, path: GroupPath) -> Result<Group, Errno> {
        match rustix::fs::unlinkat(&self.0, path.as_str(), AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno),
        }
        rustix::fs::mkdirat(&self.0, path.as_str(), Mode::from_raw_mode(0o755))?;
        let directory = rustix::fs::openat(&self.0, path.as_str(), DIRECTORY, Mode::empty())?;
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let events = rustix::fs::openat(&directory, "cgroup.events", flags, Mode::empty())?;
        Ok(Group {
            path,
            directory,
            events,
        })
    }

    /// Removes an empty leaf.
    ///
    /// # Errors
    /// EBUSY: it is not empty.
    pub(super) fn remove(&self, group: &Group) -> Result<(), Errno> {
        match rustix::fs::unlinkat(&self.0, group.path.as_str(), AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    /// Moves init itself into a fresh leaf. Before the loop only: the kernel waits here.
    ///
    /// # Errors
    /// The kernel's reason.
    pub(super) fn move_self(&self) -> Result<(), Errno> {
        let group = self.make_core("init")?;
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&group.directory, "cgroup.procs", flags, Mode::empty())?;
        rustix::io::write(&file, b"0").map(|_| ())
    }

    /// Holds every process of a virtual gateway where it is, or lets them go on.
    ///
    /// # Errors
    /// ENOENT: it has no cgroup.
    pub(super) fn freeze_vgw(&self, slot: Slot, frozen: bool) -> Result<(), Errno> {
        let mut path = vgw_path(slot);
        // A word, a number below 32 and this name fit.
        let _ = path.push_str("/cgroup.freeze");
        freeze(&self.0, &path, frozen)
    }

    /// Removes the inner node of a virtual gateway, if nothing lives there.
    pub(super) fn forget_vgw(&self, slot: Slot) {
        let _ = rustix::fs::unlinkat(&self.0, vgw_path(slot).as_str(), AtFlags::REMOVEDIR);
    }
}

impl Group {
    /// Kills everything in it.
    ///
    /// # Errors
    /// The leaf is gone.
    pub(super) fn kill(&self) -> Result<(), Errno> {
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.directory, "cgroup.kill", flags, Mode::empty())?;
        rustix::io::write(&file, b"1").map(|_| ())
    }

    /// Holds every process of it where it is, or lets them go on.
    ///
    /// # Errors
    /// The leaf is gone.
    pub(super) fn freeze(&self, frozen: bool) -> Result<(), Errno> {
        freeze(&self.directory, "cgroup.freeze", frozen)
    }

    /// Whether there is a process in it, and none of them runs. Reading also rearms the event.
    pub(super) fn is_held(&self) -> bool {
        let (populated, frozen) = self.state();
        populated && frozen
    }

    /// Whether no process is left in it. Reading also rearms the event.
    pub(super) fn is_empty(&self) -> bool {
        let (populated, _) = self.state();
        !populated
    }

    /// Whether `cgroup.events` says that it is populated, and that it is frozen. A leaf that is gone is neither.
    fn state(&self) -> (bool, bool) {
        let mut text = [0u8; 128];
        let length = rustix::io::pread(&self.events, &mut text, 0).unwrap_or_default();
        let text = text.get(..length).unwrap_or_default();
        let says = |line: &[u8]| text.split(|byte| *byte == b'\n').any(|one| one == line);
        (says(b"populated 1"), says(b"frozen 1"))
    }

    /// Whether it is a bundle's, under the other of its two names or the first.
    pub(super) fn is_of(&self, bundle: UnitId, other: bool) -> bool {
        matches!(bundle, UnitId::Bundle(..)) && self.path == leaf_path(bundle, "", other)
    }

    /// What this life has used so far.
    pub(super) fn counters(&self) -> Counters {
        counters::read(self.directory.as_fd())
    }

    /// Whether the kernel killed a process of it for want of memory.
    pub(super) fn was_starved(&self) -> bool {
        counters::oom_kills(self.directory.as_fd()) > 0
    }

    /// `cgroup.events`: EPOLLPRI when it changed.
    pub(super) fn events(&self) -> BorrowedFd<'_> {
        self.events.as_fd()
    }
}

impl AsFd for Group {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }
}

fn vgw_path(slot: Slot) -> GroupPath {
    let mut path = GroupPath::new();
    // A word and a number below 32 always fit.
    let _ = write!(path, "vgw-{slot}");
    path
}

fn leaf_path(unit: UnitId, name: &str, other: bool) -> GroupPath {
    let mut path = GroupPath::new();
    // Names have at most 32 bytes, so every path fits.
    let _ = match unit {
        UnitId::Core(_) => write!(path, "core/{name}"),
        UnitId::Hand(slot, run) => write!(path, "core/{name}-{slot}-{run}"),
        UnitId::Vgw(slot) => write!(path, "vgw-{slot}/core"),
        UnitId::Bundle(slot, index) if other => write!(path, "vgw-{slot}/b{index}s"),
        UnitId::Bundle(slot, index) => write!(path, "vgw-{slot}/b{index}"),
    };
    path
}

fn make_directory(parent: impl AsFd, name: &str) -> Result<(), Errno> {
    match rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(0o755)) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(errno) => Err(errno),
    }
}

fn freeze(at: impl AsFd, file: &str, frozen: bool) -> Result<(), Errno> {
    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
    let file = rustix::fs::openat(at, file, flags, Mode::empty())?;
    rustix::io::write(&file, if frozen { b"1" } else { b"0" }).map(|_| ())
}

/// Sets what a node has for certain. Without it the others may take it.
fn set(node: impl AsFd, file: &str, value: core::fmt::Arguments<'_>, journal: &Journal) {
    let mut text: String<24> = String::new();
    // A word or a number of 64 bits always fits.
    let _ = text.write_fmt(value);
    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
    let written = rustix::fs::openat(node, file, flags, Mode::empty())
        .and_then(|file| rustix::io::write(&file, text.as_bytes()));
    if let Err(errno) = written {
        journal.log(
            Level::Warning,
            format_args!("{file}: {errno}; what contracts guarantee is not in force"),
        );
    }
}

/// Lets the children of a node have controllers of their own. All in one write, for each waits for
/// the kernel where the node has tasks; one by one where that fails, for a single controller that
/// the kernel lacks fails them all.
fn hand_down(node: impl AsFd, journal: &Journal) {
    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
    let opened = rustix::fs::openat(node, "cgroup.subtree_control", flags, Mode::empty());
    let hand = |word: &[u8]| match &opened {
        Ok(file) => rustix::io::write(file, word).map(|_| ()),
        Err(errno) => Err(*errno),
    };
    if hand(CONTROLLERS).is_ok() {
        return;
    }
    let _ = hand(b"+io");
    for (name, word) in REQUIRED {
        if let Err(errno) = hand(word) {
            journal.log(
                Level::Error,
                format_args!(
                    "cgroup controller {name}: {errno}; no unit starts without it: build it into the kernel, and remove cgroup_disable={name} from its command line"
                ),
            );
        }
    }
}

/// Ends whatever an earlier self left, when it was killed as an ordinary process. Runs once, before
/// the loop; waits for at most two seconds.
pub(super) fn clear_leftovers(journal: &Journal) {
    for leaf in leaves() {
        let _ = std::fs::write(leaf.join("cgroup.kill"), "1");
    }
    for leaf in leaves() {
        let gone = (0..200).any(|_| {
            let removed = std::fs::remove_dir(&leaf).is_ok();
            if !removed {
                std::thread::sleep(core::time::Duration::from_millis(10));
            }
            removed
        });
        if !gone {
            journal.log(
                Level::Warning,
                format_args!("{}: processes of an earlier life remain", leaf.display()),
            );
        }
    }
    for branch in directories(&std::path::Path::new(MOUNT).join("limen")) {
        let _ = std::fs::remove_dir(branch);
    }
    let _ = std::fs::remove_dir(std::path::Path::new(MOUNT).join("limen"));
}

fn leaves() -> Vec<std::path::PathBuf> {
    directories(&std::path::Path::new(MOUNT).join("limen"))
        .iter()
        .flat_map(|branch| directories(branch))
        .collect()
}

fn directories(of: &std::path::Path) -> Vec<std::path::PathBuf> {
    std::fs::read_dir(of)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}
