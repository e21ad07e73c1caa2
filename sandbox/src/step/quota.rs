//! A slot's tree on the data disk, and its quota
//!
//! Store, staging and volumes of a provider lie in one directory with one project id, which
//! everything made below inherits: one quota for all, and renames inside stay possible. Made by
//! root, before limen-install first works there.

use std::os::fd::{AsFd, OwnedFd};

use limen_proto::contract::Contract;
use limen_proto::id::Slot;
use limen_proto::jail::Step;
use limen_proto::limits::{INSTALL_UID, SLOT_PROJECT};
use rustix::fs::{CWD, Gid, Mode, OFlags, ResolveFlags, Uid};
use rustix::io::Errno;

use crate::fault::{At, Fault};
use crate::sys::quota;

const STEP: Step = Step::Quota;
/// All slots' trees.
pub(crate) const TENANTS: &str = "/data/limen/tenant";
/// What each tree holds. limen-install is the only writer, volumes' insides excepted.
const PARTS: [&str; 3] = ["store", "staging", "volumes"];

/// Makes the tree of a slot unless it is there, and puts it under its project.
pub(crate) fn tree(slot: Slot) -> Result<OwnedFd, Fault> {
    let tenants = open(CWD.as_fd(), TENANTS)?;
    let tree = owned_directory(tenants.as_fd(), &slot.to_string())?;
    match quota::set_project(tree.as_fd(), slot.project()) {
        Ok(()) => {}
        // No disk below /data, or a file system without projects: reported as no quota.
        Err(Errno::NOTTY | Errno::OPNOTSUPP) => {}
        Err(errno) => return Err(Fault::new(STEP, "set the project of", slot, errno)),
    }
    for part in PARTS {
        // Made under the project, so they inherit it.
        owned_directory(tree.as_fd(), part)?;
    }
    Ok(tree)
}

/// Sets the quota of a contract. Returns whether it is in force: a disk without quotas is
/// reported, not refused.
pub(crate) fn limit(slot: Slot, contract: &Contract) -> Result<bool, Fault> {
    let tree = tree(slot)?;
    let inodes = u64::from(contract.inodes);
    match quota::limit(tree.as_fd(), slot.project(), contract.disk, inodes) {
        Ok(()) => Ok(true),
        Err(
            errno @ (Errno::SRCH | Errno::NOSYS | Errno::NOTSUP | Errno::NODEV | Errno::NOTBLK),
        ) => {
            eprintln!(
                "limen-jail: no disk quota for slot {slot}: {errno}; the data disk needs ext4 with \
                 project quotas and the module quota_v2 before it is mounted"
            );
            Ok(false)
        }
        Err(errno) => Err(Fault::new(STEP, "set the quota of", slot, errno)),
    }
}

/// Bytes and inodes that the slot's tree has; nothing on a disk without quotas.
pub(crate) fn used(slot: Slot) -> (u64, u64) {
    open(CWD.as_fd(), &format!("{TENANTS}/{slot}"))
        .ok()
        .and_then(|tree| quota::used(tree.as_fd(), slot.project()).ok())
        .unwrap_or_default()
}

/// Whether a quota is in force on the slot's tree.
pub(crate) fn is_limited(slot: Slot) -> bool {
    open(CWD.as_fd(), &format!("{TENANTS}/{slot}"))
        .is_ok_and(|tree| quota::is_limited(tree.as_fd(), slot.project()).unwrap_or(false))
}

/// Whether the data disk keeps quotas at all.
pub(crate) fn is_there() -> bool {
    open(CWD.as_fd(), TENANTS)
        .is_ok_and(|tenants| quota::is_limited(tenants.as_fd(), SLOT_PROJECT).is_ok())
}

fn open(at: rustix::fd::BorrowedFd<'_>, path: &str) -> Result<OwnedFd, Fault> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    rustix::fs::openat2(at, path, flags, Mode::empty(), resolve).at(STEP, "open", path)
}

fn owned_directory(at: rustix::fd::BorrowedFd<'_>, name: &str) -> Result<OwnedFd, Fault> {
    match rustix::fs::mkdirat(at, name, Mode::from_raw_mode(0o755)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(errno) => return Err(Fault::new(STEP, "make", name, errno)),
    }
    let directory = open(at, name)?;
    let (user, group) = (Uid::from_raw(INSTALL_UID), Gid::from_raw(INSTALL_UID));
    rustix::fs::fchown(&directory, Some(user), Some(group)).at(STEP, "give to install", name)?;
    Ok(directory)
}
