//! Terms: what one contract lets through
//!
//! Two chains a virtual gateway, made and changed in one transaction with what leads to them:
//!
//! ```text
//! reach<slot>  destination in the contract's `lan`                goto share<slot>
//!              (wan) not beyond the uplink after all              refuse, by `beyond`
//!              wan: all, or destination is listed                 goto share<slot>
//! share<slot>  begins a connection, one too many                  refuse: connections
//!              begins a connection, not a published one           mark it as the slot's
//!              tracked                                            accept
//! ```
//!
//! Both directions count in one chain, and so against one share. What the chains were made from is
//! kept as a note at their first rule: an adjustment that changes neither leaves them, and the open flows,
//! alone. What the table has of a slot is found again in the table; nothing of it is kept elsewhere.

use std::hash::{DefaultHasher, Hash, Hasher};

use limen_proto::contract::{Contract, Destination, Protocol, Publish, Wan};
use limen_proto::id::Slot;
use rustix::io::Errno;

use crate::fault::Fault;
use crate::flows::Mark;
use crate::link::{index, name};
use crate::message::{find, walk};
use crate::refused::{Reason, Refused};
use crate::socket::Socket;

use super::expression::Verdict;
use super::rule::{Rule, transport};
use super::table::{
    DATA_VALUE, ELEMENT_DATA, ELEMENT_EXPRESSION, ELEMENT_KEY, ELEMENTS, PUBLISH, REACH, REFUSED,
    SHARES,
};
use super::transaction::{Data, Transaction, elements, note};
use super::{BEYOND, share};

/// Adds to `change` what makes the slot's terms the contract's. Returns which flows are no longer
/// what they were.
pub(super) fn write(
    socket: &Socket,
    change: &mut Transaction,
    slot: Slot,
    contract: &Contract,
) -> Result<Vec<Mark>, Fault> {
    let mut obsolete = Vec::new();
    let digest = digest(contract);
    let before = note(socket, &share_name(slot))?;
    if before.as_deref() != Some(&digest[..]) {
        branches(change, slot, contract, &digest);
        if before.is_some() {
            obsolete.push(Mark::own(slot));
        }
    }
    let mut missing: Vec<_> = contract.publish.iter().collect();
    // Nothing was published by a slot that had no terms.
    if before.is_some() {
        published(socket, slot, |key, data| {
            let kept = missing
                .iter()
                .position(|wish| key == outside(wish) && data == inside(slot, wish));
            if let Some(at) = kept {
                missing.swap_remove(at);
            } else {
                change.remove(PUBLISH, key);
                obsolete.extend(Mark::read(data));
            }
        })?;
    }
    for publish in missing {
        let object = format!("port {} to {}", publish.outside, name(slot));
        let data = inside(slot, publish);
        change.add(PUBLISH, object, &outside(publish), Data::Bytes(&data));
    }
    Ok(obsolete)
}

/// Removes the slot's terms, and what was counted of its refusals, which is returned.
pub(super) fn erase(socket: &Socket, slot: Slot) -> Result<Refused, Fault> {
    let link = index(slot).to_ne_bytes();
    let mut change = Transaction::begin();
    change.remove(SHARES, &link);
    change.remove(REACH, &link);
    change.cut(&reach_name(slot));
    change.cut(&share_name(slot));
    published(socket, slot, |key, _| change.remove(PUBLISH, key))?;
    match change.commit(socket) {
        // It never had any: terms come and go as a whole.
        Err(fault) if fault.errno == Errno::NOENT => {}
        other => other?,
    }
    let mut sum = Refused::default();
    let mut change = Transaction::begin();
    counted(socket, slot, |key, reason, packets| {
        sum.add(reason, packets);
        change.remove(REFUSED, key);
    })?;
    change.commit(socket)?;
    Ok(sum)
}

/// What was refused to the slot so far.
pub(super) fn refused(socket: &Socket, slot: Slot) -> Result<Refused, Fault> {
    let mut sum = Refused::default();
    counted(socket, slot, |_, reason, packets| sum.add(reason, packets))?;
    Ok(sum)
}

fn reach_name(slot: Slot) -> String {
    format!("reach{slot}")
}

fn share_name(slot: Slot) -> String {
    format!("share{slot}")
}

/// What the two chains are made from.
fn digest(contract: &Contract) -> [u8; 8] {
    let mut hasher = DefaultHasher::new();
    (contract.wan as u8, contract.connections).hash(&mut hasher);
    for list in [&contract.destinations[..], &contract.lan[..]] {
        list.len().hash(&mut hasher);
        for destination in list {
            let network = destination.network;
            let protocol = destination.protocol.map(transport);
            (network.first(), network.prefix()).hash(&mut hasher);
            (protocol, destination.port).hash(&mut hasher);
        }
    }
    hasher.finish().to_ne_bytes()
}

fn branches(change: &mut Transaction, slot: Slot, contract: &Contract, note: &[u8]) {
    let (reach, shared) = (reach_name(slot), share_name(slot));
    change.branch(&shared);
    change.branch(&reach);
    change.empty(&shared);
    change.empty(&reach);
    let over = Rule::new("over")
        .beginning()
        .over(contract.connections)
        .refuse_for(index(slot), Reason::Connections);
    change.rule(&shared, &over, note);
    let mark = Mark::own(slot).value();
    let marked = Rule::new("mark").beginning().untranslated().mark(mark);
    change.rule(&shared, &marked, &[]);
    change.rule(&shared, &Rule::new("tracked").tracked().accept(), &[]);
    for rule in destinations(&contract.lan) {
        change.rule(&reach, &rule.end(share(&shared)), &[]);
    }
    if contract.wan != Wan::None {
        let beyond = Rule::new("beyond").end(Verdict::Jump(BEYOND.to_owned()));
        change.rule(&reach, &beyond, &[]);
    }
    match contract.wan {
        Wan::None => {}
        Wan::All => change.rule(&reach, &Rule::new("wan").end(share(&shared)), &[]),
        Wan::Listed => {
            for rule in destinations(&contract.destinations) {
                change.rule(&reach, &rule.end(share(&shared)), &[]);
            }
        }
    }
    let link = index(slot).to_ne_bytes();
    let leads = [(SHARES, share(&shared)), (REACH, Verdict::Jump(reach))];
    for (map, verdict) in leads {
        let object = format!("what {} may", name(slot));
        change.add(map, object, &link, Data::Verdict(&verdict));
    }
}

/// Conditions for each destination. A port without a transport is TCP's and UDP's: they are the ones
/// that have it at the same place.
fn destinations(list: &[Destination]) -> impl Iterator<Item = Rule> {
    list.iter().flat_map(|destination| {
        let transports = match (destination.protocol, destination.port) {
            (Some(protocol), _) => vec![Some(protocol)],
            (None, 0) => vec![None],
            (None, _) => vec![Some(Protocol::Tcp), Some(Protocol::Udp)],
        };
        transports
            .into_iter()
            .map(|transport| Rule::new("destination").for_destination(destination, transport))
    })
}

/// Calls `take` with key and data of every port that leads to the slot.
fn published(socket: &Socket, slot: Slot, mut take: impl FnMut(&[u8], &[u8])) -> Result<(), Fault> {
    elements(socket, PUBLISH, |message| {
        for element in listed(message) {
            let value = |kind| find(element, kind).and_then(|inner| find(inner, DATA_VALUE));
            let (key, data) = (value(ELEMENT_KEY), value(ELEMENT_DATA));
            if let (Some(key), Some(data)) = (key, data)
                && data.starts_with(&slot.address())
            {
                take(key, data);
            }
        }
    })
}

/// Calls `take` with key, reason and packets of every refusal of the slot's link.
fn counted(
    socket: &Socket,
    slot: Slot,
    mut take: impl FnMut(&[u8], Reason, u64),
) -> Result<(), Fault> {
    const EXPRESSION_DATA: u16 = 2;
    const COUNTER_PACKETS: u16 = 2;
    let link = index(slot).to_ne_bytes();
    elements(socket, REFUSED, |message| {
        for element in listed(message) {
            let key = find(element, ELEMENT_KEY).and_then(|inner| find(inner, DATA_VALUE));
            let packets = find(element, ELEMENT_EXPRESSION)
                .and_then(|counter| find(counter, EXPRESSION_DATA))
                .and_then(|data| find(data, COUNTER_PACKETS))
                .and_then(|packets| Some(u64::from_be_bytes(*packets.first_chunk()?)));
            let reason = key
                .and_then(|key| key.strip_prefix(&link))
                .and_then(|reason| Reason::of(u32::from_ne_bytes(*reason.first_chunk()?)));
            if let (Some(key), Some(reason), Some(packets)) = (key, reason, packets) {
                take(key, reason, packets);
            }
        }
    })
}

/// The elements in a message.
fn listed(message: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lists = find(message, ELEMENTS).into_iter();
    lists.flat_map(walk).map(|(_, element)| element)
}

/// Protocol and port of the box, each in a register of four bytes.
fn outside(publish: &Publish) -> [u8; 8] {
    let [high, low] = publish.outside.to_be_bytes();
    [transport(publish.protocol), 0, 0, 0, high, low, 0, 0]
}

/// Address, port inside, and the mark of such connections, each in a register of four bytes.
fn inside(slot: Slot, publish: &Publish) -> [u8; 12] {
    let mut data = [0; 12];
    data[0..4].copy_from_slice(&slot.address());
    data[4..6].copy_from_slice(&publish.inside.to_be_bytes());
    data[8..12].copy_from_slice(&Mark::published(slot, publish).value().to_ne_bytes());
    data
}
