//! The few changes that the walk makes by itself: addresses, and walls taken away

use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, Protocol, RecvFlags, SendFlags, SocketType};

/// Number of nftables.
const SUBSYSTEM: u16 = 10;
const REQUEST: u16 = 1;
const ACK: u16 = 4;
const CREATE: u16 = 0x400;

/// Gives a device of the caller's namespace one more address.
pub(crate) fn address(index: u32, address: Ipv4Addr) {
    const NEW_ADDRESS: u16 = 20;
    let mut body = vec![2, 32, 0, 0];
    body.extend(index.to_ne_bytes());
    for kind in [1, 2] {
        attribute(&mut body, kind, &address.octets());
    }
    send(None, &message(NEW_ADDRESS, CREATE | ACK, &body));
}

/// Deletes a device of the caller's namespace.
pub(crate) fn delete(index: u32) {
    const DELETE_LINK: u16 = 17;
    let mut body = vec![0; 16];
    body[4..8].copy_from_slice(&index.to_ne_bytes());
    send(None, &message(DELETE_LINK, ACK, &body));
}

const CHAIN: u16 = 2;
const HANDLE: u16 = 3;
const USER_DATA: u16 = 7;

/// Takes one rule of the firewall away: of those of a chain that have this name, the one behind so
/// many others.
pub(crate) fn delete_rule(chain: &str, name: &str, others: usize) {
    const DELETE_RULE: u16 = 8;
    let named = |(found, _): &(String, Vec<u8>)| found == name;
    let rules = rules(chain);
    let rule = rules.iter().filter(|rule| named(rule)).nth(others);
    let (_, handle) = rule.unwrap_or_else(|| panic!("no {chain}/{name} in {rules:?}"));
    let mut body = table();
    attribute(&mut body, CHAIN, format!("{chain}\0").as_bytes());
    attribute(&mut body, HANDLE, handle);
    firewall(DELETE_RULE, &body);
}

/// Names and handles of a chain's rules, in their order.
pub(crate) fn rules(chain: &str) -> Vec<(String, Vec<u8>)> {
    const GET_RULE: u16 = 7;
    const DUMP: u16 = 0x300;
    const DONE: u16 = 3;
    let mut body = table();
    attribute(&mut body, CHAIN, format!("{chain}\0").as_bytes());
    let socket = open(Some(rustix::net::netlink::NETFILTER));
    let question = message((SUBSYSTEM << 8) | GET_RULE, DUMP, &body);
    rustix::net::send(&socket, &question, SendFlags::empty()).unwrap();
    let mut found = Vec::new();
    let mut answer = vec![0u8; 1 << 16];
    loop {
        let (length, _) = rustix::net::recv(&socket, &mut answer[..], RecvFlags::empty()).unwrap();
        let mut rest = &answer[..length];
        while rest.len() >= 16 {
            let length = u32::from_ne_bytes(rest[..4].try_into().unwrap()) as usize;
            if u16::from_ne_bytes([rest[4], rest[5]]) == DONE {
                return found;
            }
            let attributes = attributes(&rest[20..length]);
            let of = |kind| attributes.iter().find(|(found, _)| *found == kind);
            // Its comment: kind, length, text, NUL.
            let name = of(USER_DATA).map(|(_, data)| &data[2..data.len() - 1]);
            let name = String::from_utf8_lossy(name.unwrap_or_default()).into_owned();
            found.push((name, of(HANDLE).unwrap().1.to_vec()));
            rest = &rest[length.next_multiple_of(4).min(rest.len())..];
        }
    }
}

fn attributes(mut rest: &[u8]) -> Vec<(u16, &[u8])> {
    let mut list = Vec::new();
    while rest.len() >= 4 {
        let length = u16::from_ne_bytes([rest[0], rest[1]]) as usize;
        let kind = u16::from_ne_bytes([rest[2], rest[3]]) & 0x3fff;
        list.push((kind, &rest[4..length]));
        rest = &rest[length.next_multiple_of(4).min(rest.len())..];
    }
    list
}

/// Takes the whole firewall away.
pub(crate) fn delete_table() {
    const DELETE_TABLE: u16 = 2;
    firewall(DELETE_TABLE, &table());
}

fn table() -> Vec<u8> {
    let mut body = vec![1, 0, 0, 0];
    attribute(&mut body, 1, b"limen\0");
    body
}

fn firewall(kind: u16, body: &[u8]) {
    const BEGIN: u16 = 16;
    const END: u16 = 17;
    let fixed = [0, 0, 0, 10];
    let mut batch = message(BEGIN, 0, &fixed);
    batch.extend(message((SUBSYSTEM << 8) | kind, ACK, body));
    batch.extend(message(END, 0, &fixed));
    send(Some(rustix::net::netlink::NETFILTER), &batch);
}

fn attribute(to: &mut Vec<u8>, kind: u16, value: &[u8]) {
    to.extend((value.len() as u16 + 4).to_ne_bytes());
    to.extend(kind.to_ne_bytes());
    to.extend(value);
    to.resize(to.len().next_multiple_of(4), 0);
}

fn message(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    message.extend((body.len() as u32 + 16).to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend((flags | REQUEST).to_ne_bytes());
    message.extend([0; 8]);
    message.extend(body);
    message
}

fn send(protocol: Option<Protocol>, bytes: &[u8]) {
    let socket = open(protocol);
    rustix::net::send(&socket, bytes, SendFlags::empty()).unwrap();
    let mut answer = [0u8; 1024];
    rustix::net::recv(&socket, &mut answer[..], RecvFlags::empty()).unwrap();
    assert_eq!(
        answer[16..20],
        [0; 4],
        "the kernel refused the walk's own change"
    );
}

fn open(protocol: Option<Protocol>) -> OwnedFd {
    let socket = rustix::net::socket(AddressFamily::NETLINK, SocketType::RAW, protocol).unwrap();
    rustix::net::connect(&socket, &SocketAddrNetlink::new(0, 0)).unwrap();
    socket
}
