//! The link: a veth pair between the box and one virtual gateway
//!
//! Two batches, one a namespace. Indexes are chosen here, so no look-up is needed: the box's end
//! has 1000 + slot, the inner end 2 (behind loopback's 1). Both ends have the same hardware address
//! and NOARP: with different ones no packet passes, and there is nobody to resolve.

use std::os::fd::{AsRawFd, BorrowedFd};

use limen_proto::contract::Contract;
use limen_proto::id::Slot;
use rustix::io::Errno;

use crate::fault::Fault;
use crate::message::{ACK, Attributes, Batch, CREATE, EXCLUSIVE};
use crate::rtnetlink as rt;
use crate::shape;
use crate::socket::{Family, Socket};

/// The box's address on every link.
pub const BOX_ADDRESS: [u8; 4] = [100, 96, 255, 254];
/// Name of the inner end.
const INNER_NAME: &str = "uplink";
/// Index of the inner end.
pub(crate) const INNER_INDEX: u32 = 2;
const LOOPBACK_INDEX: u32 = 1;
/// Prefix of the names of the box's ends: the firewall matches it.
pub(crate) const PREFIX: &str = "vgw";

const CREATE_LINK: &str = "create link";

/// Index of the box's end.
pub(crate) fn index(slot: Slot) -> u32 {
    1000 + u32::from(slot.get())
}

/// Name of the box's end.
pub(crate) fn name(slot: Slot) -> String {
    format!("{PREFIX}{slot}")
}

/// Locally administered unicast; the same at both ends.
fn hardware_address(slot: Slot) -> [u8; 6] {
    let [high, low] = slot.get().to_be_bytes();
    [0x02, 0x4c, 0x69, 0x6d, high, low]
}

/// Makes the pair, addresses the box's end, holds it to the contract's rate and sets it up. Closed,
/// without the box's route, it carries nothing: nothing is sent there, and what comes from there has
/// no way back, which both source checks refuse.
pub(crate) fn begin(
    slot: Slot,
    inside: BorrowedFd<'_>,
    contract: &Contract,
    closed: bool,
) -> Result<(), Fault> {
    let mut outer = outer_batch(slot, inside, contract);
    if !closed {
        route(&mut outer, slot);
    }
    Socket::open(Family::Route)?.execute(&outer, outer.purposes().len())
}

/// Does the same at the inner end, in the caller's network namespace.
pub(crate) fn finish(slot: Slot, contract: &Contract) -> Result<(), Fault> {
    let inner = inner_batch(slot, contract);
    Socket::open(Family::Route)?.execute(&inner, inner.purposes().len())
}

/// The same for a caller who is not inside, and stays where it is.
pub(crate) fn finish_from_outside(
    slot: Slot,
    inside: BorrowedFd<'_>,
    contract: &Contract,
) -> Result<(), Fault> {
    let inner = inner_batch(slot, contract);
    Socket::open_inside(Family::Route, inside)?.execute(&inner, inner.purposes().len())
}

/// Sets up loopback in the caller's network namespace.
pub(crate) fn set_up_loopback() -> Result<(), Fault> {
    let mut batch = Batch::default();
    up(&mut batch, LOOPBACK_INDEX, "lo");
    Socket::open(Family::Route)?.execute(&batch, 1)
}

/// Adds the box's route to a pair that was made without.
pub(crate) fn carry(slot: Slot) -> Result<(), Fault> {
    let mut batch = Batch::default();
    route(&mut batch, slot);
    Socket::open(Family::Route)?.execute(&batch, 1)
}

/// Whether it was refused because a link of that slot is there already.
pub(crate) fn is_other(fault: &Fault) -> bool {
    fault.operation == CREATE_LINK && fault.errno == Errno::EXIST
}

/// Deletes the pair; absence is success.
pub(crate) fn delete(slot: Slot) -> Result<(), Fault> {
    let mut batch = Batch::default();
    let fixed = rt::link(index(slot), 0, 0);
    batch.push(
        ("delete link", name(slot)),
        (rt::DELETE_LINK, ACK),
        &fixed,
        |_| {},
    );
    match Socket::open(Family::Route)?.execute(&batch, 1) {
        Err(fault) if fault.errno == Errno::NODEV => Ok(()),
        other => other,
    }
}

fn outer_batch(slot: Slot, inside: BorrowedFd<'_>, contract: &Contract) -> Batch {
    let (name, index) = (name(slot), index(slot));
    let make = ACK | CREATE | EXCLUSIVE;
    let mut batch = Batch::default();
    let fixed = rt::link(index, rt::FLAG_NO_ARP, rt::FLAG_NO_ARP);
    batch.push(
        (CREATE_LINK, name.clone()),
        (rt::NEW_LINK, make),
        &fixed,
        |to| {
            to.text(rt::LINK_NAME, &name);
            end_of_pair(to, slot);
            to.nest(rt::LINK_INFO, |info| {
                info.text(rt::LINK_INFO_KIND, "veth")
                    .nest(rt::LINK_INFO_DATA, |data| {
                        data.nest(rt::VETH_PEER, |peer| {
                            peer.fixed(&rt::link(INNER_INDEX, rt::FLAG_NO_ARP, rt::FLAG_NO_ARP))
                                .text(rt::LINK_NAME, INNER_NAME)
                                .native(rt::LINK_NAMESPACE, inside.as_raw_fd().cast_unsigned());
                            end_of_pair(peer, slot);
                        });
                    });
            });
        },
    );
    settle(&mut batch, index, &name);
    address(&mut batch, index, &name, BOX_ADDRESS);
    // A device that is up would have to stop first.
    shape::hold(&mut batch, index, &name, contract.download);
    up(&mut batch, index, &name);
    batch
}

fn route(batch: &mut Batch, slot: Slot) {
    let purpose = ("route to", name(slot));
    let make = ACK | CREATE | EXCLUSIVE;
    batch.push(purpose, (rt::NEW_ROUTE, make), &rt::host_route(), |to| {
        to.bytes(rt::ROUTE_DESTINATION, &slot.address())
            .native(rt::ROUTE_DEVICE, index(slot))
            .bytes(rt::ROUTE_SOURCE, &BOX_ADDRESS);
    });
}

fn inner_batch(slot: Slot, contract: &Contract) -> Batch {
    let mut batch = Batch::default();
    up(&mut batch, LOOPBACK_INDEX, "lo");
    settle(&mut batch, INNER_INDEX, INNER_NAME);
    address(&mut batch, INNER_INDEX, INNER_NAME, slot.address());
    shape::hold(&mut batch, INNER_INDEX, INNER_NAME, contract.upload);
    up(&mut batch, INNER_INDEX, INNER_NAME);
    let purpose = ("set default route of", name(slot));
    let make = ACK | CREATE | EXCLUSIVE;
    // By way of the box's address, though nobody is asked for it: the kernel then remembers one
    // neighbour, and not one for each destination in a table that all network namespaces share.
    batch.push(purpose, (rt::NEW_ROUTE, make), &rt::default_route(), |to| {
        to.native(rt::ROUTE_DEVICE, INNER_INDEX)
            .bytes(rt::ROUTE_GATEWAY, &BOX_ADDRESS)
            .bytes(rt::ROUTE_SOURCE, &slot.address());
    });
    batch
}

/// What both ends have in common. One queue each: two cost a tenth more memory and instructions.
fn end_of_pair(to: &mut Attributes<'_>, slot: Slot) {
    to.bytes(rt::LINK_ADDRESS, &hardware_address(slot))
        .native(rt::LINK_SEND_QUEUES, 1)
        .native(rt::LINK_RECEIVE_QUEUES, 1);
}

/// Source check and silence, before the link is up. The source check of the firewall stands beside
/// this one: `rp_filter` takes the larger of `all` and the device, so a distribution's loose
/// default for `all` would switch it off.
fn settle(batch: &mut Batch, index: u32, name: &str) {
    let purpose = ("settle link", name.to_owned());
    batch.push(purpose, (rt::SET_LINK, ACK), &rt::link(index, 0, 0), |to| {
        to.nest(rt::LINK_FAMILIES, |families| {
            families.nest(u16::from(rt::FAMILY_INET), |inet| {
                inet.nest(rt::INET_SETTINGS, |settings| {
                    settings
                        .native(rt::INET_SOURCE_CHECK, 1)
                        .native(rt::INET_ACCEPT_REDIRECTS, 0)
                        .native(rt::INET_SEND_REDIRECTS, 0);
                });
            });
            families.nest(rt::FAMILY_INET6, |inet6| {
                inet6.bytes(rt::INET6_ADDRESS_MODE, &[rt::INET6_NO_ADDRESS]);
            });
        });
    });
}

fn address(batch: &mut Batch, index: u32, name: &str, address: [u8; 4]) {
    let purpose = ("set address of", name.to_owned());
    let make = ACK | CREATE | EXCLUSIVE;
    batch.push(
        purpose,
        (rt::NEW_ADDRESS, make),
        &rt::address(index),
        |to| {
            to.bytes(rt::ADDRESS_LOCAL, &address)
                .bytes(rt::ADDRESS_ADDRESS, &address);
        },
    );
}

fn up(batch: &mut Batch, index: u32, name: &str) {
    let fixed = rt::link(index, rt::FLAG_UP, rt::FLAG_UP);
    batch.push(
        ("set up link", name.to_owned()),
        (rt::SET_LINK, ACK),
        &fixed,
        |_| {},
    );
}
