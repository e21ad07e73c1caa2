//! The few changes that the walk makes by itself: addresses, and walls taken away

use std::net::Ipv4Addr;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, Protocol, RecvFlags, SendFlags, SocketType};

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

/// Takes every rule of one of the firewall's chains away.
pub(crate) fn empty_chain(name: &str) {
    const DELETE_RULE: u16 = 8;
    let mut body = table();
    attribute(&mut body, 2, format!("{name}\0").as_bytes());
    firewall(DELETE_RULE, &body);
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
    const SUBSYSTEM: u16 = 10;
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
    let socket = rustix::net::socket(AddressFamily::NETLINK, SocketType::RAW, protocol).unwrap();
    rustix::net::connect(&socket, &SocketAddrNetlink::new(0, 0)).unwrap();
    rustix::net::send(&socket, bytes, SendFlags::empty()).unwrap();
    let mut answer = [0u8; 1024];
    rustix::net::recv(&socket, &mut answer[..], RecvFlags::empty()).unwrap();
    assert_eq!(
        answer[16..20],
        [0; 4],
        "the kernel refused the walk's own change"
    );
}
