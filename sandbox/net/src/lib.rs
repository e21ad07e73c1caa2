//! The network of a virtual gateway: one routed link, shaping, one firewall table
//!
//! Each virtual gateway has a veth pair whose inner end lies in its own network namespace. There
//! is no bridge and no neighbour: both ends carry the same hardware address and speak no ARP, so
//! nothing of layer 2 can be spoofed. The box routes one /32 towards it. Default deny: the forward
//! chain drops what no contract allows.
//!
//! Everything goes through netlink in batches, every acknowledgement is checked, and a link that
//! could not be finished is deleted again. No program is executed. Names, numbers and addresses
//! are derived from the slot.
//!
//! It deliberately does not know what a contract means to the rest of the sandbox, and it does not
//! configure the uplink itself: that is the DHCP client's.

mod counters;
mod fault;
mod firewall;
mod flows;
mod link;
mod message;
mod refused;
mod rtnetlink;
mod shape;
mod socket;
mod sysctl;

use std::os::fd::BorrowedFd;

use limen_proto::contract::Contract;
use limen_proto::id::Slot;

pub use counters::{Counters, Traffic};
pub use fault::Fault;
pub use link::BOX_ADDRESS;

/// At boot, once: the firewall table and the box's own forwarding. `uplink` is the network device
/// that leads to the WAN, `listen` the TCP port of management.
///
/// The table is replaced as a whole in one transaction, so entries of an earlier life are gone.
///
/// # Errors
/// The kernel lacks nftables, or refused.
pub fn prepare(uplink: &str, listen: u16) -> Result<(), Fault> {
    sysctl::forward()?;
    firewall::install(uplink, listen)?;
    sysctl::track()
}

/// Makes the link of `slot` into the network namespace `inside`, shapes both directions and lets
/// through what the contract says. `closed`: nothing passes it before [`open`].
///
/// # Errors
/// The kernel refused a message; the link and the firewall entries are gone again.
pub fn build(
    slot: Slot,
    inside: BorrowedFd<'_>,
    contract: &Contract,
    closed: bool,
) -> Result<(), Fault> {
    begin(slot, inside, contract, closed)?;
    let finished = link::finish_from_outside(slot, inside, contract);
    if finished.is_err() {
        // The first fault is the one to report.
        let _ = destroy(slot);
    }
    finished
}

/// The part of [`build`] that is the box's: its end of the link, and the firewall's entries. Nothing
/// passes before [`finish`].
///
/// # Errors
/// The kernel refused a message; what was made is gone again, unless it was there before.
pub fn begin(
    slot: Slot,
    inside: BorrowedFd<'_>,
    contract: &Contract,
    closed: bool,
) -> Result<(), Fault> {
    let made = link::begin(slot, inside, contract, closed);
    // A link that was there before is another's.
    if made.as_ref().is_err_and(|fault| !link::is_other(fault)) {
        // The first fault is the one to report.
        let _ = link::delete(slot);
    }
    made?;
    let allowed = firewall::admit(slot, contract);
    if allowed.is_err() {
        let _ = destroy(slot);
    }
    allowed
}

/// The part of [`build`] that is done inside, by a caller who has moved there.
///
/// # Errors
/// The kernel refused a message. What [`begin`] made stays: the caller cannot reach it any more.
pub fn finish(slot: Slot, contract: &Contract) -> Result<(), Fault> {
    link::finish(slot, contract)
}

/// The part of [`build`] that is the link's: the pair of devices, addresses, rates and routes.
///
/// # Errors
/// The kernel refused a message; the link is gone again, unless it was there before.
pub fn connect(
    slot: Slot,
    inside: BorrowedFd<'_>,
    contract: &Contract,
    closed: bool,
) -> Result<(), Fault> {
    let made = link::begin(slot, inside, contract, closed)
        .and_then(|()| link::finish_from_outside(slot, inside, contract));
    if made.as_ref().is_err_and(|fault| !link::is_other(fault)) {
        let _ = link::delete(slot);
    }
    made
}

/// Sets up loopback in the caller's network namespace: what needs neither slot nor contract.
///
/// # Errors
/// The kernel refused the message.
pub fn set_up_loopback() -> Result<(), Fault> {
    link::set_up_loopback()
}

/// Lets a link carry that was built closed.
///
/// # Errors
/// The kernel refused the message, or the link is open.
pub fn open(slot: Slot) -> Result<(), Fault> {
    link::carry(slot)
}

/// Applies another contract to a link that exists.
///
/// # Errors
/// The kernel refused a message; what was changed before stays changed.
pub fn adjust(slot: Slot, inside: BorrowedFd<'_>, contract: &Contract) -> Result<(), Fault> {
    shape::set(slot, inside, contract)?;
    firewall::readmit(slot, contract)
}

/// What passed the link of `slot` so far, and what was refused. What its inner shaper dropped is
/// known only inside: without the network namespace it stays 0.
///
/// # Errors
/// There is no such link.
pub fn counters(slot: Slot, inside: Option<BorrowedFd<'_>>) -> Result<Counters, Fault> {
    counters::read(slot, inside)
}

/// Removes the link of `slot`, its firewall entries and its tracked connections, and returns what
/// was counted to the end. Removing what is not there succeeds, and counts nothing.
///
/// Waits in the kernel for 12 to 16 ms, so it is never PID 1's work.
///
/// # Errors
/// The kernel refused for another reason than absence.
pub fn destroy(slot: Slot) -> Result<Counters, Fault> {
    let counted = counters::read(slot, None).unwrap_or_default();
    let deleted = link::delete(slot);
    // Nothing can be refused any more.
    let refused = firewall::expel(slot)?;
    deleted?;
    Ok(Counters { refused, ..counted })
}
