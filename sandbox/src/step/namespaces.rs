//! New namespaces, and joining those of a virtual gateway
//!
//! All of them are made or joined by root of the box, so they belong to the initial user
//! namespace and nothing inside can change them. The user namespace is entered later, in
//! `identity`: entered first, the kernel refuses the others.

use core::convert::Infallible;
use std::os::fd::BorrowedFd;

use limen_proto::jail::Step;
use limen_proto::name::Name;
use limen_proto::table::Network;
use rustix::thread::{ThreadNameSpaceType, move_into_thread_name_spaces};

use crate::fault::{At, Fault};
use crate::sys::clone::{self, Namespaces, Parent};

const STEP: Step = Step::Namespaces;

/// What a core unit has of its own.
pub(crate) const fn of_core(network: Network) -> Namespaces {
    let own = Namespaces::MOUNT
        .and(Namespaces::IPC)
        .and(Namespaces::HOST)
        .and(Namespaces::CGROUP);
    match network {
        Network::None => own.and(Namespaces::NETWORK),
        Network::Host => own,
    }
}

/// What the first process of a virtual gateway makes; its network was made before.
pub(crate) const OF_VGW: Namespaces = Namespaces::MOUNT
    .and(Namespaces::PID)
    .and(Namespaces::IPC)
    .and(Namespaces::HOST)
    .and(Namespaces::CGROUP);

/// What a bundle has of its own besides what it joins. Its cgroup namespace too: in the virtual
/// gateway's it would see itself at `/../b1`.
pub(crate) const OF_BUNDLE: Namespaces = Namespaces::MOUNT.and(Namespaces::CGROUP);

/// Joins the namespaces of a virtual gateway by its reaper; for pids that means the next child.
pub(crate) fn join(reaper: BorrowedFd<'_>) -> Result<(), Fault> {
    let shared = ThreadNameSpaceType::PROCESS_ID
        | ThreadNameSpaceType::NETWORK
        | ThreadNameSpaceType::INTER_PROCESS_COMMUNICATION
        | ThreadNameSpaceType::HOST_NAME_AND_NIS_DOMAIN_NAME;
    move_into_thread_name_spaces(reaper, shared).at(
        STEP,
        "join the namespaces of",
        "the virtual gateway's reaper",
    )
}

/// Makes the payload as a child of init. The jail itself is done then: what is left to do and to
/// report is `child`'s.
pub(crate) fn born(
    namespaces: Namespaces,
    child: impl FnOnce() -> Infallible,
) -> Result<(), Fault> {
    clone::process(namespaces, None, Parent::Grand, child)
        .map(drop)
        .at(STEP, "make", "the payload's process")
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
