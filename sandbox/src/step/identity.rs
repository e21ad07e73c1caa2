//! Who the payload is, and that it can never be anybody else
//!
//! User namespace, groups, uid, capabilities, securebits, no_new_privs, in the one order in which
//! each call still has the right that it needs. A process that ran as uid 0 without the bounding
//! set and securebits would get every capability of its namespace back by executing anything.

use std::os::fd::BorrowedFd;

use caps::{CapSet, Capability, CapsHashSet};
use limen_proto::jail::Step;
use rustix::io::Errno;
use rustix::process::{Gid, Uid};
use rustix::thread::{
    CapabilitiesSecureBits, CapabilitySet, LinkNameSpaceType, capability_is_in_bounding_set,
    move_into_link_name_space, remove_capability_from_bounding_set, set_capabilities_secure_bits,
    set_no_new_privs, set_thread_groups, set_thread_res_gid, set_thread_res_uid,
};

use crate::fault::{At, Fault};

const STEP: Step = Step::Identity;

/// Enters the user namespace of a virtual gateway. After this, nothing of the box can be changed.
pub(crate) fn enter(users: BorrowedFd<'_>) -> Result<(), Fault> {
    move_into_link_name_space(users, Some(LinkNameSpaceType::User)).at(
        STEP,
        "enter",
        "the user namespace",
    )
}

/// Becomes `id` (uid and gid, no groups) with exactly the capabilities `kept`, for good.
pub(crate) fn become_user(id: u32, kept: &CapsHashSet) -> Result<(), Fault> {
    let (user, group) = (Uid::from_raw(id), Gid::from_raw(id));
    set_thread_res_gid(group, group, group).at(STEP, "become group", id)?;
    set_thread_groups(&[]).at(STEP, "drop", "supplementary groups")?;
    bound(kept)?;
    // NO_SETUID_FIXUP: the change of uid leaves capabilities alone, they are set below.
    let bits = CapabilitiesSecureBits::NO_ROOT
        | CapabilitiesSecureBits::NO_ROOT_LOCKED
        | CapabilitiesSecureBits::NO_SETUID_FIXUP
        | CapabilitiesSecureBits::NO_SETUID_FIXUP_LOCKED
        | CapabilitiesSecureBits::KEEP_CAPS_LOCKED;
    set_capabilities_secure_bits(bits).at(STEP, "set", "securebits")?;
    set_thread_res_uid(user, user, user).at(STEP, "become user", id)?;
    // Ambient capabilities survive the execution of an ordinary file; the kernel raises only what
    // is permitted and inheritable.
    sets(CapSet::Inheritable, kept)?;
    for &capability in kept {
        caps::raise(None, CapSet::Ambient, capability)
            .map_err(|_| refused("raise ambient", capability))?;
    }
    let locked = CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE
        | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE_LOCKED;
    set_capabilities_secure_bits(bits | locked).at(STEP, "lock", "securebits")?;
    set_no_new_privs(true).at(STEP, "set", "no_new_privs")?;
    sets(CapSet::Effective, kept)?;
    sets(CapSet::Permitted, kept)
}

/// The capabilities of a unit's mask.
pub(crate) fn capabilities(mask: u64) -> CapsHashSet {
    caps::all()
        .into_iter()
        .filter(|capability| mask & capability.bitmask() != 0)
        .collect()
}

/// Takes everything else out of the bounding set, so that no executed file can bring it back.
/// Counts up to the kernel's last capability: one that is newer than this program goes too.
fn bound(kept: &CapsHashSet) -> Result<(), Fault> {
    let kept: u64 = kept.iter().map(Capability::bitmask).sum();
    for bit in (0..u64::BITS).map(|number| 1 << number) {
        let capability = CapabilitySet::from_bits_retain(bit);
        match capability_is_in_bounding_set(capability) {
            Ok(true) if kept & bit == 0 => remove_capability_from_bounding_set(capability),
            Ok(_) => Ok(()),
            Err(Errno::INVAL) => break,
            Err(errno) => Err(errno),
        }
        .at(STEP, "empty", "the bounding set")?;
    }
    Ok(())
}

fn sets(set: CapSet, kept: &CapsHashSet) -> Result<(), Fault> {
    caps::set(None, set, kept).map_err(|_| {
        Fault::new(
            STEP,
            "set capabilities",
            format_args!("{set:?}"),
            Errno::PERM,
        )
    })
}

fn refused(operation: &'static str, capability: Capability) -> Fault {
    Fault::new(STEP, operation, capability, Errno::PERM)
}
