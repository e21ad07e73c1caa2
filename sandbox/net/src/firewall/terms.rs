//! Terms: what one contract lets through, as elements of the table's sets
//!
//! Elements only: rules of a virtual gateway's own would make the kernel check the whole table at each
//! start, and so the start of one dearer with each other. What the table has of a slot is found
//! again in the table; nothing of it is kept elsewhere.

use limen_proto::contract::{Contract, Destination, Protocol, Publish, Wan};
use limen_proto::id::Slot;
use limen_proto::jail::Refused;

use crate::fault::Fault;
use crate::flows::Mark;
use crate::link::{index, name};
use crate::message::{find, walk};
use crate::refused::Reason;
use crate::socket::Socket;

use super::element::{Element, Value};
use super::rule::transport;
use super::table::{
    DATA_VALUE, ELEMENT_EXPRESSION, ELEMENT_KEY, ELEMENTS, LISTED, PUBLISH, REACH, REFUSED, SHARES,
    TO_LAN, TO_WAN,
};
use super::transaction::{Transaction, elements};

/// Adds everything of the contract to `change`, for a slot of which the table has nothing.
pub(super) fn begin(change: &mut Transaction, slot: Slot, contract: &Contract) {
    for element in wanted(slot, contract) {
        add(change, slot, contract, &element);
    }
}

/// Adds to `change` what makes the slot's terms the contract's. Returns which flows are no longer
/// what they were.
pub(super) fn replace(
    socket: &Socket,
    change: &mut Transaction,
    slot: Slot,
    contract: &Contract,
) -> Result<Vec<Mark>, Fault> {
    let mut missing = wanted(slot, contract);
    let mut obsolete = Vec::new();
    for element in present(socket, slot)? {
        if let Some(at) = missing.iter().position(|wish| *wish == element) {
            missing.swap_remove(at);
            continue;
        }
        remove(change, &element);
        let mark = match &element.value {
            Value::Bytes(data) => Mark::read(data),
            _ => Some(Mark::own(slot)),
        };
        obsolete.extend(mark.filter(|mark| !obsolete.contains(mark)));
    }
    for element in missing {
        add(change, slot, contract, &element);
    }
    Ok(obsolete)
}

/// Removes the slot's terms, and what was counted of its refusals, which is returned.
pub(super) fn erase(socket: &Socket, slot: Slot) -> Result<Refused, Fault> {
    let mut change = Transaction::begin();
    for element in present(socket, slot)? {
        remove(&mut change, &element);
    }
    let mut sum = Refused::default();
    counted(socket, slot, |key, reason, packets| {
        reason.count(packets, &mut sum);
        change.remove(&Element::new(REFUSED, key));
    })?;
    change.commit(socket).map(|()| sum)
}

/// What was refused to the slot so far.
pub(super) fn refused(socket: &Socket, slot: Slot) -> Result<Refused, Fault> {
    let mut sum = Refused::default();
    counted(socket, slot, |_, reason, packets| {
        reason.count(packets, &mut sum)
    })?;
    Ok(sum)
}

fn add(change: &mut Transaction, slot: Slot, contract: &Contract, element: &Element) {
    if let Value::Object(share) = &element.value {
        change.share(share, contract.connections);
    }
    change.add(element, &name(slot));
}

fn remove(change: &mut Transaction, element: &Element) {
    change.remove(element);
    if let Value::Object(share) = &element.value {
        change.end_share(share);
    }
}

fn wanted(slot: Slot, contract: &Contract) -> Vec<Element> {
    let mut all = Vec::new();
    // A share cannot be changed, so its name says how large it is.
    let share = format!("share{slot}-{}", contract.connections);
    all.push(Element {
        value: Value::Object(share),
        ..Element::new(SHARES, index(slot).to_ne_bytes())
    });
    if contract.wan == Wan::All {
        all.push(Element::new(REACH, slot.address()));
    }
    let mut lists = vec![(TO_LAN, &contract.lan[..])];
    if contract.wan == Wan::Listed {
        lists.push((TO_WAN, &contract.destinations[..]));
    }
    for (whither, list) in lists {
        let list = spelt_out(list);
        let widest = list.iter().enumerate().filter(|(at, destination)| {
            let mut others = list.iter().enumerate();
            !others.any(|(other, wider)| covers((other, wider), (*at, destination)))
        });
        all.extend(widest.map(|(_, destination)| listed(slot, whither, destination)));
    }
    let publish = contract.publish.iter();
    all.extend(publish.map(|publish| published(slot, publish)));
    all
}

/// A port without a transport is TCP's and UDP's: they are the ones that have it at the same place.
fn spelt_out(list: &[Destination]) -> Vec<Destination> {
    list.iter()
        .flat_map(
            |destination| match (destination.protocol, destination.port) {
                (None, 1..) => [Protocol::Tcp, Protocol::Udp]
                    .map(|protocol| Destination {
                        protocol: Some(protocol),
                        ..*destination
                    })
                    .to_vec(),
                _ => vec![*destination],
            },
        )
        .collect()
}

/// Whether the second says nothing beyond the first: ranges of one set may not overlap. Those of
/// different sets may, and of equals the first counts.
fn covers((one, wider): (usize, &Destination), (two, other): (usize, &Destination)) -> bool {
    let alike = wider.protocol == other.protocol && wider.port == other.port;
    let within = wider.network.contains(other.network.first())
        && wider.network.prefix() <= other.network.prefix();
    let equal = wider.network == other.network;
    one != two && alike && within && (!equal || one < two)
}

fn listed(slot: Slot, whither: u32, destination: &Destination) -> Element {
    let [low, high] = [destination.network.first(), destination.network.last()].map(|address| {
        let mut key = whither.to_ne_bytes().to_vec();
        key.extend(slot.address());
        key.extend(address.octets());
        if let Some(protocol) = destination.protocol {
            key.extend([transport(protocol), 0, 0, 0]);
        }
        if destination.port != 0 {
            key.extend(destination.port.to_be_bytes());
            key.extend([0, 0]);
        }
        key
    });
    let set = match (destination.protocol, destination.port) {
        (None, _) => LISTED[0],
        (Some(_), 0) => LISTED[1],
        (Some(_), _) => LISTED[2],
    };
    Element {
        end: high,
        ..Element::new(set, low)
    }
}

/// Protocol and port of the box; address, port inside and mark: each in a register of four bytes.
fn published(slot: Slot, publish: &Publish) -> Element {
    let mut key = vec![transport(publish.protocol), 0, 0, 0];
    key.extend(publish.outside.to_be_bytes());
    key.extend([0, 0]);
    let mut data = slot.address().to_vec();
    data.extend(publish.inside.to_be_bytes());
    data.extend([0, 0]);
    data.extend(Mark::published(slot, publish).value().to_ne_bytes());
    Element {
        value: Value::Bytes(data),
        ..Element::new(PUBLISH, key)
    }
}

/// Everything that the table has of the slot.
fn present(socket: &Socket, slot: Slot) -> Result<Vec<Element>, Fault> {
    let mut all = Vec::new();
    for set in [SHARES, REACH, PUBLISH].into_iter().chain(LISTED) {
        elements(socket, set, |message| own(slot, set, message, &mut all))?;
    }
    Ok(all)
}

/// Adds what a message about `set` has of the slot.
fn own(slot: Slot, set: &'static str, message: &[u8], all: &mut Vec<Element>) {
    let (link, address) = (index(slot).to_ne_bytes(), slot.address());
    for element in Element::read(set, message) {
        let is_own = match &element.value {
            Value::Object(_) => element.key == link,
            Value::Bytes(data) => data.starts_with(&address),
            // Alone, or behind the word that says whither.
            Value::None => element.key == address || element.key.get(4..8) == Some(&address),
        };
        if is_own {
            note(all, element);
        }
    }
}

/// Adds what was read, unless it was read before. Returns whether it was added.
///
/// While a set grows or shrinks under other people's changes the kernel walks its old place and its
/// new one (`rhashtable_walk_next`), and so shows some elements twice. To remove one twice is
/// refused, and with it everything that was to be removed.
fn note<T: PartialEq>(all: &mut Vec<T>, read: T) -> bool {
    let is_new = !all.contains(&read);
    if is_new {
        all.push(read);
    }
    is_new
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
    let mut keys = Vec::new();
    elements(socket, REFUSED, |message| {
        for (_, element) in find(message, ELEMENTS).into_iter().flat_map(walk) {
            let key = find(element, ELEMENT_KEY).and_then(|inner| find(inner, DATA_VALUE));
            let packets = find(element, ELEMENT_EXPRESSION)
                .and_then(|counter| find(counter, EXPRESSION_DATA))
                .and_then(|data| find(data, COUNTER_PACKETS))
                .and_then(|packets| Some(u64::from_be_bytes(*packets.first_chunk()?)));
            let reason = key
                .and_then(|key| key.strip_prefix(&link))
                .and_then(|reason| Reason::of(u32::from_ne_bytes(*reason.first_chunk()?)));
            if let (Some(key), Some(reason), Some(packets)) = (key, reason, packets)
                && note(&mut keys, key.to_owned())
            {
                take(key, reason, packets);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::table::LIST_ELEMENT;
    use super::*;
    use crate::message::Attributes;

    fn to(network: &str, protocol: Option<Protocol>, port: u16) -> Destination {
        Destination {
            network: network.parse().unwrap(),
            protocol,
            port,
        }
    }

    #[test]
    fn what_a_wider_destination_covers_is_not_said_twice() {
        let tcp = Some(Protocol::Tcp);
        let lan = [
            to("10.0.0.0/8", tcp, 80),
            to("10.1.0.0/16", tcp, 80),
            to("10.0.0.0/8", tcp, 80),
            to("10.1.0.0/16", None, 0),
            to("10.0.0.0/8", tcp, 81),
            to("192.168.0.0/16", None, 53),
        ]
        .into_iter()
        .collect();
        let contract = Contract {
            lan,
            ..Contract::default()
        };
        let all = wanted(Slot::new(1).unwrap(), &contract);
        let count = |set| all.iter().filter(|element| element.set == set).count();
        assert_eq!(LISTED.map(count), [1, 0, 4]);
    }

    #[test]
    fn what_the_kernel_shows_twice_is_there_once() {
        let slot = |number| Slot::new(number).unwrap();
        let share = |number| Element {
            value: Value::Object(format!("share{number}-100")),
            ..Element::new(SHARES, index(slot(number)).to_ne_bytes())
        };
        let mut message = Vec::new();
        Attributes::of(&mut message).nest(ELEMENTS, |list| {
            for number in [1, 2, 1] {
                list.nest(LIST_ELEMENT, |to| share(number).write(to, true));
            }
        });
        let mut all = Vec::new();
        // In one message, and again in the next part.
        own(slot(1), SHARES, &message, &mut all);
        own(slot(1), SHARES, &message, &mut all);
        assert_eq!(all, [share(1)]);
    }
}
