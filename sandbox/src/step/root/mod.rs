//! The payload's own root file system
//!
//! A small tmpfs, into which everything else is mounted as a detached clone that already has its
//! attributes: there is no moment in which a file can be reached without nosuid or noexec. Names
//! are resolved one component at a time beneath the new root, following no link, so a bundle whose
//! `/var` is a symbolic link cannot lead a mount elsewhere. When all is in place the old root is
//! left for good and the tmpfs becomes read-only.

mod bind;
mod bundle;
mod device;
mod user;
mod volume;

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use limen_proto::jail::Step;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags, UnmountFlags,
    fsconfig_create, fsconfig_set_string, fsmount, fsopen, mount_change, move_mount, unmount,
};
use rustix::process::{chdir, fchdir, pivot_root};

pub(crate) use bind::{Ahead, Source, Use};
pub(crate) use bundle::entries;
pub(crate) use user::FILES as USER_FILES;
pub(crate) use volume::volume;

use crate::fault::{At, Fault};
use crate::sys::mount::{Attributes, set_attributes};

const STEP: Step = Step::Mounts;
/// Where the new root is attached until it becomes the root: the kernel moves nothing onto a mount
/// that is in no tree. Any directory that every box has and no later step needs.
const ANTECHAMBER: &str = "/mnt";
/// Room for directories and mount points, not for data.
const ROOT_SIZE: &str = "256k";

/// A root under construction.
#[derive(Debug)]
pub(crate) struct Root {
    mount: OwnedFd,
}

impl Root {
    /// Cuts this mount namespace off from the box's and attaches an empty root.
    pub(crate) fn new() -> Result<Self, Fault> {
        let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
        mount_change("/", private).at(STEP, "make private", "all mounts")?;
        let mount = file_system(
            c"tmpfs",
            &[("size", ROOT_SIZE), ("mode", "755")],
            NOTHING_SPECIAL,
        )?;
        attach(mount.as_fd(), CWD, ANTECHAMBER).at(STEP, "attach", "the new root")?;
        Ok(Self { mount })
    }

    /// The root that this process is in, to mount what is missing.
    pub(crate) fn entered() -> Result<Self, Fault> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mount = rustix::fs::open("/", flags, Mode::empty()).at(STEP, "open", "the new root")?;
        Ok(Self { mount })
    }

    /// Makes a place to mount on later, when the root is read-only.
    pub(crate) fn place(&self, path: &str) -> Result<(), Fault> {
        self.directory(path).map(drop)
    }

    /// A directory of the new root; what is missing is made.
    fn directory(&self, path: &str) -> Result<OwnedFd, Fault> {
        let mut current = duplicate(self.mount.as_fd())?;
        for name in components(path)? {
            current = match step_into(current.as_fd(), name) {
                Err(Errno::NOENT) => {
                    rustix::fs::mkdirat(&current, name, Mode::from_raw_mode(0o755)).at(
                        STEP,
                        "make directory",
                        path,
                    )?;
                    step_into(current.as_fd(), name)
                }
                other => other,
            }
            .at(STEP, "enter", path)?;
        }
        Ok(current)
    }

    /// An empty file of the new root, to mount another one over.
    fn file(&self, path: &str) -> Result<OwnedFd, Fault> {
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let directory = self.directory(above)?;
        let flags = OFlags::CREATE | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o644);
        rustix::fs::openat2(&directory, name, flags, mode, BENEATH).at(STEP, "make file", path)
    }

    /// Mounts a detached tree on a directory or file that was opened beneath the root.
    fn put(&self, tree: BorrowedFd<'_>, place: BorrowedFd<'_>, path: &str) -> Result<(), Fault> {
        let flags =
            MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
        move_mount(tree, c"", place, c"", flags).at(STEP, "mount on", path)
    }

    /// `/proc` of the pid namespace: the payload sees its own uid's processes and nothing of the
    /// machine.
    pub(crate) fn proc(&self) -> Result<(), Fault> {
        let options = [("hidepid", "invisible"), ("subset", "pid")];
        let mount = file_system(c"proc", &options, NOTHING_SPECIAL)?;
        self.put(mount.as_fd(), self.directory("/proc")?.as_fd(), "/proc")
    }

    /// Mounts what [`temporary`] made.
    pub(crate) fn put_temporary(&self, made: BorrowedFd<'_>) -> Result<(), Fault> {
        self.put(made, self.directory("/tmp")?.as_fd(), "/tmp")
    }

    /// Makes this the root, for good: the old one is out of reach, the new one read-only, the
    /// working directory at its top.
    pub(crate) fn enter(self) -> Result<(), Fault> {
        fchdir(&self.mount).at(STEP, "enter", "the new root")?;
        pivot_root(".", ".").at(STEP, "pivot to", "the new root")?;
        // Both are stacked at "." now; the old one is on top.
        unmount(".", UnmountFlags::DETACH).at(STEP, "leave", "the old root")?;
        chdir("/").at(STEP, "enter", "/")?;
        set_attributes(self.mount.as_fd(), NOTHING_SPECIAL_READ_ONLY).at(
            STEP,
            "make read-only",
            "the new root",
        )
    }
}

/// A `/tmp` that nobody can see yet: `size` bytes that belong to `owner` (an outer id) and are gone with the process.
pub(crate) fn temporary(size: u64, owner: u32) -> Result<OwnedFd, Fault> {
    // An inode is a kilobyte of kernel memory, charged to who makes it; bounded all the same.
    let inodes = (size / 4096).clamp(16, 4096).to_string();
    let (size, owner) = (size.to_string(), owner.to_string());
    let options = [
        ("size", size.as_str()),
        ("nr_inodes", &inodes),
        ("mode", "700"),
        ("uid", &owner),
        ("gid", &owner),
    ];
    file_system(c"tmpfs", &options, NOTHING_SPECIAL)
}

/// Starts in `directory` of the root that was entered, with the rights of whoever calls; empty is its top.
pub(crate) fn work_in(directory: &str) -> Result<(), Fault> {
    if directory.is_empty() {
        return Ok(());
    }
    chdir(directory).at(STEP, "start in", directory)
}

/// Attributes of a mount that holds no programs and no devices.
const NOTHING_SPECIAL: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_NOSUID
    .union(MountAttrFlags::MOUNT_ATTR_NODEV)
    .union(MountAttrFlags::MOUNT_ATTR_NOEXEC);
const NOTHING_SPECIAL_READ_ONLY: Attributes = Attributes::READ_ONLY
    .and(Attributes::NO_SET_UID)
    .and(Attributes::NO_DEVICES)
    .and(Attributes::NO_EXECUTION);
/// How names of the new root and of bundles are resolved.
const BENEATH: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS);

/// A new, detached file system.
fn file_system(
    kind: &'static CStr,
    options: &[(&str, &str)],
    attributes: MountAttrFlags,
) -> Result<OwnedFd, Fault> {
    let name = kind.to_str().unwrap_or_default();
    let context = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC).at(STEP, "open file system", name)?;
    for (key, value) in options {
        fsconfig_set_string(&context, *key, *value).at(STEP, "set option of", name)?;
    }
    fsconfig_create(&context).at(STEP, "make file system", name)?;
    fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes).at(STEP, "mount", name)
}

fn attach(mount: BorrowedFd<'_>, at: BorrowedFd<'_>, path: &str) -> Result<(), Errno> {
    move_mount(
        mount,
        c"",
        at,
        path,
        MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH,
    )
}

fn step_into(directory: BorrowedFd<'_>, name: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat2(directory, name, flags, Mode::empty(), BENEATH)
}

fn duplicate(descriptor: BorrowedFd<'_>) -> Result<OwnedFd, Fault> {
    rustix::io::fcntl_dupfd_cloexec(descriptor, 3).at(STEP, "duplicate", "a descriptor")
}

/// The names of an absolute path, none of them able to lead upwards.
fn components(path: &str) -> Result<impl Iterator<Item = &str>, Fault> {
    let names = || path.split('/').filter(|name| !name.is_empty());
    if names().any(|name| name == "." || name == "..") {
        return Err(Fault::new(STEP, "accept path", path, Errno::INVAL));
    }
    Ok(names())
}
