//! A network namespace and its link, made before anybody lives in it
//!
//! The namespace is the same for everybody as long as there is no link, so it may be made ahead
//! (`pool`). The link is built from the box's side, by what becomes the reaper, before it moves
//! inside.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use limen_proto::account::Counters;
use limen_proto::contract::Contract;
use limen_proto::id::Slot;
use limen_proto::jail::{Refused, Step};
use limen_proto::name::Name;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::fault::{At, Failure, Fault};
use crate::net;
use crate::step::sysctls;
use crate::sys::clone::Namespaces;
use crate::sys::namespace::unshare;

const STEP: Step = Step::Network;
/// How many connections the box tracks.
const CONNECTIONS: &str = "/proc/sys/net/netfilter/nf_conntrack_max";

/// Makes a namespace with what all virtual gateways' have: loopback set up, and settings.
///
/// # Errors
/// None could be made; or, astray, this process could not return to its own.
pub(crate) fn make() -> Result<OwnedFd, Failure> {
    make_with(|| {
        net::set_up_loopback().map_err(refused)?;
        sysctls::of_network()
    })
}

/// Makes a namespace that holds a loopback device which is down, and nothing else: nobody's network, in
/// which core units are that have none.
///
/// # Errors
/// As [`make`].
pub(crate) fn make_empty() -> Result<OwnedFd, Failure> {
    make_with(|| Ok(()))
}

/// This process is in its own namespace afterwards, unless it is astray.
fn make_with(prepare: impl FnOnce() -> Result<(), Fault>) -> Result<OwnedFd, Failure> {
    let outside = own()?;
    unshare(Namespaces::NETWORK).at(STEP, "make", "the network namespace")?;
    let made = own().and_then(|inside| {
        prepare()?;
        Ok(inside)
    });
    enter(outside.as_fd()).map_err(Failure::Astray)?;
    Ok(made?.into())
}

/// Makes the link into a namespace that nobody was in, and moves this process there. What fails inside
/// leaves the box's part, which goes with the next `DestroyVgw`.
pub(crate) fn build(
    inside: BorrowedFd<'_>,
    slot: Slot,
    contract: &Contract,
    closed: bool,
) -> Result<(), Fault> {
    net::begin(slot, inside, contract, closed).map_err(refused)?;
    enter(inside)?;
    net::finish(slot, contract).map_err(refused)
}

/// Lets a link carry that was built closed.
pub(crate) fn open(slot: Slot) -> Result<(), Fault> {
    net::open(slot).map_err(refused)
}

/// Applies another contract to a link that exists.
pub(crate) fn adjust(slot: Slot, inside: BorrowedFd<'_>, contract: &Contract) -> Result<(), Fault> {
    net::adjust(slot, inside, contract).map_err(refused)
}

/// Removes link and firewall entries, and returns what the link had counted.
pub(crate) fn destroy(slot: Slot) -> Result<Counters, Fault> {
    net::destroy(slot).map(counted).map_err(refused)
}

/// What passed the link, as the virtual gateway sees it, and what was refused to it.
pub(crate) fn count(slot: Slot, inside: BorrowedFd<'_>) -> Result<(Counters, Refused), Fault> {
    let link = net::counters(slot, Some(inside)).map_err(refused)?;
    let refusals = Refused {
        upload: link.sent.dropped,
        download: link.received.dropped,
        ..link.refused
    };
    Ok((counted(link), refusals))
}

fn counted(link: net::Counters) -> Counters {
    Counters {
        bytes_sent: link.sent.bytes,
        bytes_received: link.received.bytes,
        packets_sent: link.sent.packets,
        packets_received: link.received.packets,
        ..Counters::default()
    }
}

/// The firewall table and the box's forwarding.
pub(crate) fn prepare(uplink: &Name, listen: u16, connections: u32) -> Result<(), Fault> {
    net::prepare(uplink.as_str(), listen).map_err(refused)?;
    if connections == 0 {
        return Ok(());
    }
    // After the firewall, which brings connection tracking with it.
    match fs::write(CONNECTIONS, connections.to_string()) {
        // Noted as a feature that the kernel lacks.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other.at(STEP, "write", CONNECTIONS),
    }
}

fn own() -> Result<File, Fault> {
    File::open("/proc/self/ns/net").at(STEP, "open", "/proc/self/ns/net")
}

/// Moves this process into a network namespace.
pub(crate) fn enter(namespace: BorrowedFd<'_>) -> Result<(), Fault> {
    move_into_link_name_space(namespace, Some(LinkNameSpaceType::Network)).at(
        STEP,
        "enter",
        "a network namespace",
    )
}

fn refused(fault: net::Fault) -> Fault {
    Fault::new(STEP, fault.operation, fault.object, fault.errno)
}
