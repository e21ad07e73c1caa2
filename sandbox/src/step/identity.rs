//! Who the payload is, and that it can never be anybody else
//!
//! User namespace, groups, uid, capabilities, securebits, no_new_privs, in the one order in which
//! each call still has the right that it needs. A process that ran as uid 0 without the bounding
//! set and securebits would get every capability of its namespace back by executing anything.

use std::os::fd::BorrowedFd;

use limen_proto::jail::Step;
use rustix::io::Errno;
use rustix::process::{Gid, Uid};
use rustix::thread::{
    CapabilitiesSecureBits, CapabilitySet, CapabilitySets, LinkNameSpaceType, capabilities,
    configure_capability_in_ambient_set, move_into_link_name_space,
    remove_capability_from_bounding_set, set_capabilities, set_capabilities_secure_bits,
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

/// Becomes `id` (uid and gid, no groups) with exactly the capabilities `kept` (a mask of the kernel's
/// numbers), for good.
pub(crate) fn become_user(id: u32, kept: u64) -> Result<(), Fault> {
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
    if kept != 0 {
        hand_on(kept)?;
    }
    let locked = CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE
        | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE_LOCKED;
    set_capabilities_secure_bits(bits | locked).at(STEP, "lock", "securebits")?;
    set_no_new_privs(true).at(STEP, "set", "no_new_privs")?;
    let kept = CapabilitySet::from_bits_retain(kept);
    let sets = CapabilitySets {
        effective: kept,
        permitted: kept,
        inheritable: kept,
    };
    set_capabilities(None, sets).at(STEP, "set", "capabilities")
}

/// Makes capabilities ambient: those survive the execution of an ordinary file. The kernel raises
/// only what is permitted and inheritable.
fn hand_on(kept: u64) -> Result<(), Fault> {
    let before = capabilities(None).at(STEP, "read", "capabilities")?;
    let sets = CapabilitySets {
        inheritable: CapabilitySet::from_bits_retain(kept),
        ..before
    };
    set_capabilities(None, sets).at(STEP, "set", "inheritable capabilities")?;
    for bit in bits().filter(|bit| kept & bit != 0) {
        let capability = CapabilitySet::from_bits_retain(bit);
        configure_capability_in_ambient_set(capability, true).at(
            STEP,
            "raise ambient",
            format_args!("capability {}", bit.trailing_zeros()),
        )?;
    }
    Ok(())
}

/// Takes everything else out of the bounding set, so that no executed file can bring it back.
/// Counts up to the kernel's last capability: one that is newer than this program goes too.
fn bound(kept: u64) -> Result<(), Fault> {
    for bit in bits().filter(|bit| kept & bit == 0) {
        match remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(bit)) {
            Ok(()) => {}
            Err(Errno::INVAL) => break,
            Err(errno) => return Err(errno).at(STEP, "empty", "the bounding set"),
        }
    }
    Ok(())
}

fn bits() -> impl Iterator<Item = u64> {
    (0..u64::BITS).map(|number| 1 << number)
}
