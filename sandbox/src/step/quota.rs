//! A slot's tree on the data disk, its quota, and each bundle's within it
//!
//! Store, staging and volumes of a provider lie in one directory with one project id, which
//! everything made below inherits: one quota for all, and renames inside stay possible. Made by
//! root, before limen-install first works there. Below that, what a bundle writes belongs to its
//! own uid, whose quota is the sum of its volumes: both hold, and the smaller is met first.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use limen_proto::contract::Contract;
use limen_proto::id::{BundleIndex, Slot};
use limen_proto::jail::{Step, Stored};
use limen_proto::limits::{BUNDLE_UID, BUNDLES_PER_SLOT, INSTALL_UID, SLOT_IDS, SLOT_PROJECT};
use limen_proto::spec::Storage;
use rustix::fs::{CWD, Gid, Mode, OFlags, ResolveFlags, Uid};
use rustix::io::Errno;

use crate::fault::{At, Fault};
use crate::sys::quota::{self, Amount, Holder};

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
    set(tree.as_fd(), of_slot(slot), of_contract(contract))
        .map_err(|errno| Fault::new(STEP, "set the quota of slot", slot, errno))
}

/// Holds a bundle to its share. Returns whether that and its slot's quota are in force.
pub(crate) fn limit_bundle(
    slot: Slot,
    index: BundleIndex,
    storage: &Storage,
) -> Result<bool, Fault> {
    let tree = opened(slot)?;
    let held = set(tree.as_fd(), of_bundle(slot, index), of_storage(storage))
        .map_err(|errno| Fault::new(STEP, "set the quota of bundle", index, errno))?;
    let slot_is = quota::limits(tree.as_fd(), of_slot(slot)).unwrap_or_default();
    Ok(held && slot_is.bytes != 0)
}

/// What a contract's quota is.
pub(crate) fn of_contract(contract: &Contract) -> Amount {
    Amount {
        bytes: contract.disk,
        inodes: contract.inodes.into(),
    }
}

/// What a bundle's quota is.
pub(crate) fn of_storage(storage: &Storage) -> Amount {
    Amount {
        bytes: storage.bytes,
        inodes: storage.inodes.into(),
    }
}

/// Sets a quota unless it is what it shall be: most starts change nothing, and need not write.
fn set(tree: BorrowedFd<'_>, holder: Holder, most: Amount) -> Result<bool, Errno> {
    let most = quota::rounded(most);
    let changed = quota::limits(tree, holder).and_then(|is| match is == most {
        true => Ok(()),
        false => quota::limit(tree, holder, most),
    });
    match changed {
        Ok(()) => Ok(true),
        Err(
            errno @ (Errno::SRCH | Errno::NOSYS | Errno::NOTSUP | Errno::NODEV | Errno::NOTBLK),
        ) => {
            eprintln!("limen-jail: no quota for {holder:?}: {errno}");
            Ok(false)
        }
        Err(errno) => Err(errno),
    }
}

/// What the slot's tree has; nothing on a disk without quotas.
pub(crate) fn used(slot: Slot) -> Stored {
    let used = opened(slot).map(|tree| quota::used(tree.as_fd(), of_slot(slot)));
    used.ok()
        .and_then(Result::ok)
        .map_or_else(Stored::default, stored)
}

/// What each bundle of the slot has; nothing on a disk without quotas of users.
pub(crate) fn used_by_bundles(slot: Slot) -> [Stored; BUNDLES_PER_SLOT] {
    let mut all = [Stored::default(); BUNDLES_PER_SLOT];
    let Ok(tree) = opened(slot) else { return all };
    let first = slot.first_id() + BUNDLE_UID;
    let mut from = first;
    // Only those of whom there is a record, each one further than the last.
    while let Ok((user, has)) = quota::next(tree.as_fd(), Holder::User(from)) {
        let place = user
            .checked_sub(first)
            .and_then(|place| usize::try_from(place).ok());
        let Some(one) = place.and_then(|place| all.get_mut(place)) else {
            break;
        };
        *one = stored(has);
        from = user + 1;
    }
    all
}

const fn stored(has: Amount) -> Stored {
    Stored {
        bytes: has.bytes,
        inodes: has.inodes,
    }
}

/// The limits in force on a slot's tree, or on one of its bundles; none where there are no quotas
/// of that kind.
pub(crate) fn in_force(slot: Slot, bundle: Option<BundleIndex>) -> Option<Amount> {
    let holder = bundle.map_or_else(|| of_slot(slot), |index| of_bundle(slot, index));
    quota::limits(opened(slot).ok()?.as_fd(), holder).ok()
}

/// Whether the data disk keeps quotas of projects at all.
pub(crate) fn is_there() -> bool {
    keeps(Holder::Project(SLOT_PROJECT))
}

/// Whether it keeps quotas of users too.
pub(crate) fn is_there_for_users() -> bool {
    keeps(Holder::User(SLOT_IDS))
}

fn keeps(holder: Holder) -> bool {
    open(CWD.as_fd(), TENANTS).is_ok_and(|tenants| quota::limits(tenants.as_fd(), holder).is_ok())
}

const fn of_slot(slot: Slot) -> Holder {
    Holder::Project(slot.project())
}

const fn of_bundle(slot: Slot, index: BundleIndex) -> Holder {
    Holder::User(index.outer_id(slot))
}

fn opened(slot: Slot) -> Result<OwnedFd, Fault> {
    open(CWD.as_fd(), &format!("{TENANTS}/{slot}"))
}

fn open(at: BorrowedFd<'_>, path: &str) -> Result<OwnedFd, Fault> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    rustix::fs::openat2(at, path, flags, Mode::empty(), resolve).at(STEP, "open", path)
}

/// Opens a directory, made and given to limen-install where that was not done before: most starts find
/// everything as it shall be, and write nothing to the disk.
fn owned_directory(at: BorrowedFd<'_>, name: &str) -> Result<OwnedFd, Fault> {
    let directory = match open(at, name) {
        Err(fault) if fault.errno() == Errno::NOENT.raw_os_error() => {
            match rustix::fs::mkdirat(at, name, Mode::from_raw_mode(0o755)) {
                // The process that builds another unit of the slot was quicker.
                Ok(()) | Err(Errno::EXIST) => open(at, name)?,
                Err(errno) => return Err(Fault::new(STEP, "make", name, errno)),
            }
        }
        other => other?,
    };
    let is = rustix::fs::fstat(&directory).at(STEP, "look at", name)?;
    if (is.st_uid, is.st_gid) != (INSTALL_UID, INSTALL_UID) {
        let (user, group) = (Uid::from_raw(INSTALL_UID), Gid::from_raw(INSTALL_UID));
        rustix::fs::fchown(&directory, Some(user), Some(group)).at(
            STEP,
            "give to install",
            name,
        )?;
    }
    Ok(directory)
}
