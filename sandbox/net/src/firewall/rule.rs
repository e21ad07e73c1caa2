//! Chains and rules, in words
//!
//! Each word of a rule is one or more of the kernel's expressions.

use limen_proto::contract::Protocol;

use crate::link::{BOX_ADDRESS, PREFIX};
use crate::message::Attributes;
use crate::refused::Reason;

use super::expression::{Comparison, Expression, REGISTER, RESULT, Verdict};
use super::table;

/// Where a chain sees packets (`NF_INET_*`).
#[derive(Debug, Clone, Copy)]
pub(super) enum Hook {
    Prerouting = 0,
    Input = 1,
    Forward = 2,
    Output = 3,
    Postrouting = 4,
}

/// A chain that the kernel enters by itself.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
    pub(super) hook: Hook,
    pub(super) priority: i32,
    pub(super) drops: bool,
}

impl Chain {
    pub(super) const fn filter(name: &'static str, hook: Hook, priority: i32) -> Self {
        Self {
            name,
            kind: "filter",
            hook,
            priority,
            drops: false,
        }
    }

    pub(super) const fn nat(name: &'static str, hook: Hook, priority: i32) -> Self {
        Self {
            name,
            kind: "nat",
            hook,
            priority,
            drops: false,
        }
    }

    /// What no rule accepts is dropped.
    pub(super) const fn dropping(mut self) -> Self {
        self.drops = true;
        self
    }
}

const META_INPUT: u32 = 4;
const META_OUTPUT: u32 = 5;
const META_INPUT_NAME: u32 = 6;
const META_OUTPUT_NAME: u32 = 7;
const META_NETWORK: u32 = 15;
const META_TRANSPORT: u32 = 16;
const NETWORK_IPV4: u8 = 2;
const TRANSPORT_ICMP: u8 = 1;
const TRANSPORT_TCP: u8 = 6;
const TRANSPORT_UDP: u8 = 17;
const ICMP_ECHO_REPLY: u8 = 0;
const ICMP_ECHO_REQUEST: u8 = 8;

const HEADER_NETWORK: u32 = 1;
const HEADER_TRANSPORT: u32 = 2;
const IPV4_SOURCE: u32 = 12;
const IPV4_DESTINATION: u32 = 16;
/// First byte of 224.0.0.0: from here on an address is not a host's.
const MANY_RECEIVERS: u8 = 224;

const FIB_DEVICE: u32 = 1;
const FIB_ADDRESS_TYPE: u32 = 3;
const FIB_SOURCE: u32 = 1;
const FIB_DESTINATION: u32 = 2;
const FIB_SAME_DEVICE: u32 = 8;
/// `RTN_LOCAL`.
const ADDRESS_IS_LOCAL: u32 = 2;

const CONNECTION_STATE: u32 = 0;
const CONNECTION_STATUS: u32 = 2;
/// Established and related.
const STATE_KNOWN: u32 = 2 | 4;
const STATE_NEW: u32 = 8;
/// `IPS_DST_NAT`.
const STATUS_TRANSLATED: u32 = 1 << 5;

/// Conditions and a verdict.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: &'static str,
    expressions: Vec<Expression>,
}

impl Rule {
    pub(super) const fn new(name: &'static str) -> Self {
        Self {
            name,
            expressions: Vec::new(),
        }
    }

    fn and(mut self, expressions: impl IntoIterator<Item = Expression>) -> Self {
        self.expressions.extend(expressions);
        self
    }

    fn is(self, what: Expression, bytes: impl Into<Vec<u8>>) -> Self {
        self.compare(what, Comparison::Equal, bytes)
    }

    fn compare(self, what: Expression, comparison: Comparison, bytes: impl Into<Vec<u8>>) -> Self {
        let with = bytes.into();
        self.and([what, Expression::Compare { comparison, with }])
    }

    /// It came in by a virtual gateway's link.
    pub(super) fn entering_by_link(self) -> Self {
        self.is(Expression::Meta(META_INPUT_NAME), PREFIX)
    }

    /// It leaves by a virtual gateway's link.
    pub(super) fn leaving_by_link(self) -> Self {
        self.is(Expression::Meta(META_OUTPUT_NAME), PREFIX)
    }

    /// It leaves by something else than a virtual gateway's link.
    pub(super) fn leaving_by_no_link(self) -> Self {
        let name = Expression::Meta(META_OUTPUT_NAME);
        self.compare(name, Comparison::Differs, PREFIX)
    }

    /// It came in by this device.
    pub(super) fn entering_by(self, device: &str) -> Self {
        self.is(Expression::Meta(META_INPUT_NAME), device_name(device))
    }

    /// It leaves by this device.
    pub(super) fn leaving_by(self, device: &str) -> Self {
        self.is(Expression::Meta(META_OUTPUT_NAME), device_name(device))
    }

    /// It leaves by another device than this.
    pub(super) fn leaving_elsewhere(self, device: &str) -> Self {
        let name = Expression::Meta(META_OUTPUT_NAME);
        self.compare(name, Comparison::Differs, device_name(device))
    }

    /// Its source address is not routed to where it came from.
    pub(super) fn no_way_back(self) -> Self {
        let route = Expression::Fib {
            result: FIB_DEVICE,
            flags: FIB_SOURCE | FIB_SAME_DEVICE,
        };
        self.is(route, 0u32.to_ne_bytes())
    }

    /// Its destination is an address of the box.
    pub(super) fn for_the_box(self) -> Self {
        let kind = Expression::Fib {
            result: FIB_ADDRESS_TYPE,
            flags: FIB_DESTINATION,
        };
        self.is(kind, ADDRESS_IS_LOCAL.to_ne_bytes())
    }

    /// It belongs to a connection that was let through, or answers one.
    pub(super) fn established(self) -> Self {
        self.connection(CONNECTION_STATE, STATE_KNOWN)
    }

    /// It begins a connection.
    pub(super) fn beginning(self) -> Self {
        self.connection(CONNECTION_STATE, STATE_NEW)
    }

    /// The connection tracker makes sense of it.
    pub(super) fn tracked(self) -> Self {
        self.connection(CONNECTION_STATE, STATE_KNOWN | STATE_NEW)
    }

    /// Its destination was translated by the map of published ports.
    pub(super) fn translated(self) -> Self {
        self.connection(CONNECTION_STATUS, STATUS_TRANSLATED)
    }

    fn connection(self, key: u32, mask: u32) -> Self {
        let bits = Expression::Mask(mask.to_ne_bytes());
        self.and([Expression::Connection(key)]).compare(
            bits,
            Comparison::Differs,
            0u32.to_ne_bytes(),
        )
    }

    fn ipv4(self) -> Self {
        self.is(Expression::Meta(META_NETWORK), [NETWORK_IPV4])
    }

    /// It is something else than IPv4.
    pub(super) fn not_ipv4(self) -> Self {
        let network = Expression::Meta(META_NETWORK);
        self.compare(network, Comparison::Differs, [NETWORK_IPV4])
    }

    /// It is for more than one receiver, or for nobody: multicast, broadcast, reserved addresses.
    pub(super) fn for_many(self) -> Self {
        let first = network_header(IPV4_DESTINATION, 1);
        self.ipv4()
            .compare(first, Comparison::AtLeast, [MANY_RECEIVERS])
    }

    /// Its source lies in the virtual gateways' network, 100.96.0.0/16.
    pub(super) fn of_a_vgw(self) -> Self {
        let network: Vec<u8> = BOX_ADDRESS.iter().take(2).copied().collect();
        self.ipv4().is(network_header(IPV4_SOURCE, 2), network)
    }

    /// Its destination is of those that are nobody's in the Internet.
    pub(super) fn for_special(self) -> Self {
        self.ipv4().and([
            network_header(IPV4_DESTINATION, 4),
            Expression::InSet(table::SPECIAL),
        ])
    }

    /// Its source is a virtual gateway that may reach every host of the Internet.
    pub(super) fn of_far_reach(self) -> Self {
        self.ipv4().and([
            network_header(IPV4_SOURCE, 4),
            Expression::InSet(table::REACH),
        ])
    }

    /// Its source may reach its destination; `detail` says how much of that is compared: 0 the network, 1
    /// and the transport, 2 and the port.
    pub(super) fn listed(self, whither: u32, detail: usize) -> Self {
        let word = |offset, register| Expression::Payload {
            header: HEADER_NETWORK,
            offset,
            length: 4,
            register,
        };
        let transport = Expression::MetaInto(META_TRANSPORT, REGISTER + 3);
        let details = [transport, port(2, REGISTER + 4)];
        let whither = Expression::Load {
            register: REGISTER,
            bytes: whither.to_ne_bytes().into(),
        };
        let addresses = [
            word(IPV4_SOURCE, REGISTER + 1),
            word(IPV4_DESTINATION, REGISTER + 2),
        ];
        let set = table::LISTED.get(detail).copied().unwrap_or_default();
        self.ipv4()
            .and([whither])
            .and(addresses)
            .and(details.into_iter().take(detail))
            .and([Expression::InSet(set)])
    }

    /// It goes to this TCP port.
    pub(super) fn towards_tcp_port(self, number: u16) -> Self {
        self.is(Expression::Meta(META_TRANSPORT), [TRANSPORT_TCP])
            .is(port(2, REGISTER), number.to_be_bytes())
    }

    /// It comes from this TCP port.
    pub(super) fn out_of_tcp_port(self, number: u16) -> Self {
        self.is(Expression::Meta(META_TRANSPORT), [TRANSPORT_TCP])
            .is(port(0, REGISTER), number.to_be_bytes())
    }

    /// It is an IPv4 echo request.
    pub(super) fn echo_request(self) -> Self {
        self.icmp(ICMP_ECHO_REQUEST)
    }

    /// It answers an IPv4 echo request.
    pub(super) fn echo_reply(self) -> Self {
        self.icmp(ICMP_ECHO_REPLY)
    }

    fn icmp(self, number: u8) -> Self {
        let kind = Expression::Payload {
            header: HEADER_TRANSPORT,
            offset: 0,
            length: 1,
            register: REGISTER,
        };
        self.ipv4()
            .is(Expression::Meta(META_TRANSPORT), [TRANSPORT_ICMP])
            .is(kind, [number])
    }

    /// Looks protocol and port up among the published ones, marks the connection and sends it there.
    pub(super) fn translate(self) -> Self {
        self.ipv4().and([
            Expression::Meta(META_TRANSPORT),
            port(2, REGISTER + 1),
            Expression::InMap(table::PUBLISH),
            Expression::Mark {
                register: RESULT + 2,
            },
            Expression::Translate,
        ])
    }

    /// It begins one connection too many of the virtual gateway's whose link it came in by.
    pub(super) fn over_by_input(self) -> Self {
        self.beginning().and([
            Expression::Meta(META_INPUT),
            Expression::Over(table::SHARES),
        ])
    }

    /// The same of the one whose link it leaves by.
    pub(super) fn over_by_output(self) -> Self {
        self.beginning().and([
            Expression::Meta(META_OUTPUT),
            Expression::Over(table::SHARES),
        ])
    }

    /// Marks its connection as that of the link that it came in by.
    pub(super) fn mark(self) -> Self {
        self.and([
            Expression::Meta(META_INPUT),
            Expression::Mark { register: REGISTER },
        ])
    }

    /// The connection tracker does not see it.
    pub(super) fn untracked(self) -> Self {
        self.and([Expression::NoTrack])
    }

    pub(super) fn masquerade(self) -> Self {
        self.and([Expression::Masquerade])
    }

    pub(super) fn accept(self) -> Self {
        self.end(Verdict::Accept)
    }

    pub(super) fn end(self, verdict: Verdict) -> Self {
        self.and([Expression::Verdict(verdict)])
    }

    /// Counted, so that a refusal leaves a trace.
    pub(super) fn drop(self) -> Self {
        self.and([Expression::Count]).end(Verdict::Drop)
    }

    /// Dropped, and counted for the link that it came in by.
    pub(super) fn refuse(self, reason: Reason) -> Self {
        self.and([Expression::Meta(META_INPUT)]).refused(reason)
    }

    /// Dropped, and counted for the link that it leaves by.
    pub(super) fn refuse_inwards(self, reason: Reason) -> Self {
        self.and([Expression::Meta(META_OUTPUT)]).refused(reason)
    }

    fn refused(self, reason: Reason) -> Self {
        let reason = Expression::Load {
            register: REGISTER + 1,
            bytes: (reason as u32).to_ne_bytes().into(),
        };
        self.and([reason, Expression::CountIn(table::REFUSED)])
            .end(Verdict::Drop)
    }

    /// Writes the expressions into a rule's list.
    pub(super) fn write(&self, list: &mut Attributes<'_>) {
        for expression in &self.expressions {
            expression.append(list);
        }
    }
}

/// Number of a transport in the IPv4 header.
pub(super) const fn transport(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Tcp => TRANSPORT_TCP,
        Protocol::Udp => TRANSPORT_UDP,
    }
}

/// Source and destination port lie at the same place in TCP and UDP.
const fn port(offset: u32, register: u32) -> Expression {
    Expression::Payload {
        header: HEADER_TRANSPORT,
        offset,
        length: 2,
        register,
    }
}

const fn network_header(offset: u32, length: u32) -> Expression {
    Expression::Payload {
        header: HEADER_NETWORK,
        offset,
        length,
        register: REGISTER,
    }
}

/// A whole device name: compared with its padding, so that no longer name matches.
fn device_name(device: &str) -> Vec<u8> {
    let mut name = device.as_bytes().to_vec();
    name.resize(16, 0);
    name
}
