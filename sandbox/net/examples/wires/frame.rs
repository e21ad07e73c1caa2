//! Frames that no program inside a virtual gateway could send: written by hand, forced onto its
//! end of the link through a packet socket

use std::net::{Ipv4Addr, Ipv6Addr};

use limen_proto::id::Slot;
use pnet_datalink::{Channel, Config, DataLinkSender};

use crate::ground::{UPLINK, Vgw};

/// A packet socket at the inner end of a virtual gateway's link.
pub(crate) struct Forced(Box<dyn DataLinkSender>);

impl Forced {
    pub(crate) fn new(vgw: &Vgw) -> Self {
        vgw.space.inside(|| {
            let devices = pnet_datalink::interfaces();
            let device = devices.iter().find(|device| device.name == UPLINK).unwrap();
            match pnet_datalink::channel(device, Config::default()) {
                Ok(Channel::Ethernet(sender, _)) => Self(sender),
                Ok(_) => panic!("another kind of channel"),
                Err(error) => panic!("no packet socket: {error}"),
            }
        })
    }

    pub(crate) fn send(&mut self, frame: &[u8]) {
        self.0.send_to(frame, None).unwrap().unwrap();
    }
}

pub(crate) const IPV4: u16 = 0x0800;
pub(crate) const IPV6: u16 = 0x86dd;
pub(crate) const ARP: u16 = 0x0806;

const UDP: u8 = 17;
const IGMP: u8 = 2;

/// To the box's end, from the virtual gateway's: both have the same address.
pub(crate) fn ethernet(slot: Slot, kind: u16, body: &[u8]) -> Vec<u8> {
    let [high, low] = slot.get().to_be_bytes();
    let hardware = [0x02, 0x4c, 0x69, 0x6d, high, low];
    [&hardware[..], &hardware, &kind.to_be_bytes(), body].concat()
}

/// The same between other hardware addresses: whose frame it says it is, and for whom.
pub(crate) fn misaddressed(frame: &[u8], to: Option<u8>, from: Option<u8>) -> Vec<u8> {
    let mut frame = frame.to_vec();
    for (place, byte) in [(5, to), (11, from)] {
        frame[place] = byte.unwrap_or(frame[place]);
    }
    frame
}

/// The same with a tag of 802.1Q.
pub(crate) fn tagged(slot: Slot, network: u16, kind: u16, body: &[u8]) -> Vec<u8> {
    let inner = [&network.to_be_bytes()[..], &kind.to_be_bytes(), body].concat();
    ethernet(slot, 0x8100, &inner)
}

/// An IPv4 packet; `fragment` is the field with flags and offset.
fn ipv4(from: Ipv4Addr, to: Ipv4Addr, protocol: u8, fragment: u16, body: &[u8]) -> Vec<u8> {
    let length = (20 + body.len()) as u16;
    let mut head = vec![0x45, 0];
    head.extend(length.to_be_bytes());
    head.extend(0x4c69_u16.to_be_bytes());
    head.extend(fragment.to_be_bytes());
    head.extend([64, protocol, 0, 0]);
    head.extend(from.octets());
    head.extend(to.octets());
    let sum = checksum(&head);
    head[10..12].copy_from_slice(&sum.to_be_bytes());
    head.extend(body);
    head
}

fn checksum(head: &[u8]) -> u16 {
    let words = head
        .chunks(2)
        .map(|word| u32::from(word[0]) << 8 | u32::from(word[1]));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// A UDP header without checksum, and its payload.
fn udp(from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
    let length = (8 + payload.len()) as u16;
    let mut all = Vec::new();
    for word in [from, to, length, 0] {
        all.extend(word.to_be_bytes());
    }
    all.extend(payload);
    all
}

/// A datagram.
pub(crate) fn datagram(from: Ipv4Addr, to: (Ipv4Addr, u16), payload: &[u8]) -> Vec<u8> {
    ipv4(from, to.0, UDP, 0, &udp(4000, to.1, payload))
}

/// The same in two fragments.
pub(crate) fn fragments(from: Ipv4Addr, to: (Ipv4Addr, u16), payload: &[u8]) -> [Vec<u8>; 2] {
    const MORE: u16 = 0x2000;
    let whole = udp(4000, to.1, payload);
    let (first, second) = whole.split_at(16);
    [
        ipv4(from, to.0, UDP, MORE, first),
        ipv4(from, to.0, UDP, 2, second),
    ]
}

/// An offer of a DHCP server, as far as anybody looks before the payload.
pub(crate) fn offer(from: Ipv4Addr) -> Vec<u8> {
    ipv4(from, Ipv4Addr::BROADCAST, UDP, 0, &udp(67, 68, &[2; 240]))
}

/// A report that somebody joined a group.
pub(crate) fn join(from: Ipv4Addr) -> Vec<u8> {
    let routers = Ipv4Addr::new(224, 0, 0, 22);
    ipv4(from, routers, IGMP, 0, &[0x22, 0, 0xdd, 0xff, 0, 0, 0, 0])
}

/// An announcement that `address` is at the sender.
pub(crate) fn announcement(slot: Slot, address: Ipv4Addr) -> Vec<u8> {
    let [high, low] = slot.get().to_be_bytes();
    let hardware = [0x02, 0x4c, 0x69, 0x6d, high, low];
    let mut body = vec![0, 1, 8, 0, 6, 4, 0, 2];
    for _ in 0..2 {
        body.extend(hardware);
        body.extend(address.octets());
    }
    body
}

/// An IPv6 packet.
pub(crate) fn ipv6(from: Ipv6Addr, to: Ipv6Addr, next: u8, hops: u8, body: &[u8]) -> Vec<u8> {
    let mut head = vec![0x60, 0, 0, 0];
    head.extend((body.len() as u16).to_be_bytes());
    head.extend([next, hops]);
    head.extend(from.octets());
    head.extend(to.octets());
    head.extend(body);
    head
}

/// A message of ICMPv6 with its checksum.
pub(crate) fn icmpv6(from: Ipv6Addr, to: Ipv6Addr, message: &[u8]) -> Vec<u8> {
    let mut summed = [&from.octets()[..], &to.octets()].concat();
    summed.extend((message.len() as u32).to_be_bytes());
    summed.extend([0, 0, 0, 58]);
    summed.extend(message);
    summed.resize(summed.len().next_multiple_of(2), 0);
    let mut message = message.to_vec();
    message[2..4].copy_from_slice(&checksum(&summed).to_be_bytes());
    ipv6(from, to, 58, 255, &message)
}

/// A router's advertisement of a prefix that nobody gave it; `lifetime` in seconds.
pub(crate) fn advertisement(from: Ipv6Addr, lifetime: u16) -> Vec<u8> {
    let everybody = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
    let mut message = vec![134, 0, 0, 0, 64, 0];
    message.extend(lifetime.to_be_bytes());
    message.extend([0; 8]);
    message.extend([3, 4, 64, 0xc0]);
    message.extend(u32::MAX.to_be_bytes());
    message.extend(u32::MAX.to_be_bytes());
    message.extend([0; 4]);
    message.extend(Ipv6Addr::new(0x2001, 0xdb8, 0xbad, 0, 0, 0, 0, 0).octets());
    icmpv6(from, everybody, &message)
}

/// A neighbour's claim that `target` is at the sender.
pub(crate) fn claim(from: Ipv6Addr, target: Ipv6Addr) -> Vec<u8> {
    let everybody = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
    let mut message = vec![136, 0, 0, 0, 0x20, 0, 0, 0];
    message.extend(target.octets());
    message.extend([2, 1, 2, 2, 2, 2, 2, 2]);
    icmpv6(from, everybody, &message)
}
