//! New namespaces, and joining those of a virtual gateway
//!
//! All of them are made or joined by root of the box, so they belong to the initial user
//! namespace and nothing inside can change them. The user namespace is entered later, in
//! `identity`: entered first, the kernel refuses the others.

use core::convert::Infallible;
use std::os::fd::{BorrowedFd, OwnedFd};

use limen_proto::jail::Step;
use limen_proto::name::Name;
use rustix::fs::{Mode, OFlags};
use rustix::thread::{
    LinkNameSpaceType, ThreadNameSpaceType, move_into_link_name_space, move_into_thread_name_spaces,
};

use crate::fault::{At, Fault};
use crate::sys::clone::{self, Namespaces, Parent};
use crate::sys::namespace::unshare;

const STEP: Step = Step::Namespaces;

/// What a core unit has of its own besides its network.
pub(crate) const OF_CORE: Namespaces = Namespaces::MOUNT
    .and(Namespaces::IPC)
    .and(Namespaces::HOST)
    .and(Namespaces::CGROUP);

/// What the first process of a virtual gateway makes; it was born in its pid namespace, and its
/// network was made before.
pub(crate) const OF_VGW: Namespaces = Namespaces::MOUNT
    .and(Namespaces::IPC)
    .and(Namespaces::HOST)
    .and(Namespaces::CGROUP);

/// What a bundle has of its own besides what it joins. Its cgroup namespace too: in the virtual
/// gateway's it would see itself at `/../b1`.
pub(crate) const OF_BUNDLE: Namespaces = Namespaces::MOUNT.and(Namespaces::CGROUP);

/// The pid namespace of this process's children.
pub(crate) fn own_processes() -> Result<OwnedFd, Fault> {
    const FILE: &str = "/proc/self/ns/pid_for_children";
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    rustix::fs::open(FILE, flags, Mode::empty()).at(STEP, "open", FILE)
}

/// Lets the next children be born in the pid namespace of a process, or in one that is open.
pub(crate) fn enter_processes(of: BorrowedFd<'_>) -> Result<(), Fault> {
    move_into_thread_name_spaces(of, ThreadNameSpaceType::PROCESS_ID).at(
        STEP,
        "let children into",
        "the pid namespace of the virtual gateway's reaper",
    )
}

/// Joins the namespaces of a virtual gateway by its reaper, but the one for pids: this process was
/// born in that.
pub(crate) fn join(reaper: BorrowedFd<'_>) -> Result<(), Fault> {
    let shared = ThreadNameSpaceType::NETWORK
        | ThreadNameSpaceType::INTER_PROCESS_COMMUNICATION
        | ThreadNameSpaceType::HOST_NAME_AND_NIS_DOMAIN_NAME;
    move_into_thread_name_spaces(reaper, shared).at(
        STEP,
        "join the namespaces of",
        "the virtual gateway's reaper",
    )
}

/// The mount namespace of this process, by its own `/proc`.
pub(crate) fn own_mounts() -> Result<OwnedFd, Fault> {
    const FILE: &str = "/proc/self/ns/mnt";
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    rustix::fs::open(FILE, flags, Mode::empty()).at(STEP, "open", FILE)
}

/// Enters a mount namespace, at its root.
pub(crate) fn enter_mounts(of: BorrowedFd<'_>) -> Result<(), Fault> {
    move_into_link_name_space(of, Some(LinkNameSpaceType::Mount)).at(
        STEP,
        "enter",
        "the bundle's mounts",
    )
}

/// Makes a process that becomes a unit, as a child of init, in the unit's cgroup: what it makes
/// from there is charged to the unit.
pub(crate) fn born(
    namespaces: Namespaces,
    cgroup: BorrowedFd<'_>,
    child: impl FnOnce() -> Infallible,
) -> Result<(), Fault> {
    clone::process(namespaces, Some(cgroup), Parent::Grand, child)
        .map(drop)
        .at(STEP, "make", "the unit's process")
}

/// Leaves the box's namespaces for new ones.
pub(crate) fn leave(namespaces: Namespaces) -> Result<(), Fault> {
    unshare(namespaces).at(STEP, "make", "the unit's namespaces")
}

/// Leaves init's session and process group: a signal to the own group must reach nobody else.
pub(crate) fn own_session() -> Result<(), Fault> {
    rustix::process::setsid()
        .map(drop)
        .at(STEP, "make", "the payload's session")
}

/// The host name inside: the provider's.
pub(crate) fn set_host_name(provider: &Name) -> Result<(), Fault> {
    rustix::system::sethostname(provider.as_str().as_bytes()).at(STEP, "set host name", provider)
}
