//! Elements: what one contract lets through
//!
//! Entries of a slot are found again by its address, so nothing about them is kept anywhere else.

use limen_proto::contract::{Contract, Protocol, Publish, Wan};
use limen_proto::id::Slot;

use crate::fault::Fault;
use crate::link::name;
use crate::message::{find, walk};
use crate::socket::Socket;

use super::nftables::{
    DATA_VALUE, ELEMENT_DATA, ELEMENT_KEY, ELEMENTS, PUBLISH, Transaction, WAN, elements,
};

/// Adds the contract's entries.
pub(super) fn add(change: &mut Transaction, slot: Slot, contract: &Contract) {
    for publish in &contract.publish {
        let object = format!("port {} to {}", publish.outside, name(slot));
        change.add(
            PUBLISH,
            object,
            &outside(publish),
            Some(&inside(slot, publish)),
        );
    }
    if contract.wan == Wan::All {
        change.add(
            WAN,
            format!("{} to the uplink", name(slot)),
            &slot.address(),
            None,
        );
    }
}

/// Adds the removal of every entry of the slot that the kernel has now.
pub(super) fn remove(socket: &Socket, change: &mut Transaction, slot: Slot) -> Result<(), Fault> {
    let address = slot.address();
    elements(socket, PUBLISH, |message| {
        each(message, |key, data| {
            if data.is_some_and(|data| data.starts_with(&address)) {
                change.remove(PUBLISH, key);
            }
        });
    })?;
    elements(socket, WAN, |message| {
        each(message, |key, _| {
            if key == address {
                change.remove(WAN, key);
            }
        });
    })
}

/// Calls `take` with key and data of every element in a message.
fn each(message: &[u8], mut take: impl FnMut(&[u8], Option<&[u8]>)) {
    for (_, element) in find(message, ELEMENTS).into_iter().flat_map(walk) {
        let value = |kind| find(element, kind).and_then(|inner| find(inner, DATA_VALUE));
        if let Some(key) = value(ELEMENT_KEY) {
            take(key, value(ELEMENT_DATA));
        }
    }
}

/// Protocol and port of the box, each in a register of four bytes.
fn outside(publish: &Publish) -> [u8; 8] {
    let protocol = match publish.protocol {
        Protocol::Tcp => 6,
        Protocol::Udp => 17,
    };
    let [high, low] = publish.outside.to_be_bytes();
    [protocol, 0, 0, 0, high, low, 0, 0]
}

/// Address and port inside, each in a register of four bytes.
fn inside(slot: Slot, publish: &Publish) -> [u8; 8] {
    let [a, b, c, d] = slot.address();
    let [high, low] = publish.inside.to_be_bytes();
    [a, b, c, d, high, low, 0, 0]
}
