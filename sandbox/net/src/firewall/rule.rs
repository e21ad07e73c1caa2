//! Chains and rules, from words to nftables expressions
//!
//! Each word of a rule is one or two expressions of the kernel's nftables machine: load something
//! into a register, compare. Source: Linux `net/netfilter/nft_*.c`.

use crate::link::{BOX_ADDRESS, PREFIX};
use crate::message::Attributes;

use super::nftables::{DATA_VALUE, LIST_ELEMENT, PUBLISH, WAN};

/// Where a chain sees packets (`NF_INET_*`).
#[derive(Debug, Clone, Copy)]
pub(super) enum Hook {
    Prerouting = 0,
    Input = 1,
    Forward = 2,
    Postrouting = 4,
}

/// A base chain.
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

/// First 32-bit register (`NFT_REG32_00`); the second follows.
const REGISTER: u32 = 8;
/// Where a look-up puts address and port.
const RESULT: u32 = 12;
const VERDICT: u32 = 0;

const META_INPUT_NAME: u32 = 6;
const META_OUTPUT_NAME: u32 = 7;
const META_NETWORK: u32 = 15;
const META_TRANSPORT: u32 = 16;
const NETWORK_IPV4: u8 = 2;
const TRANSPORT_ICMP: u8 = 1;
const TRANSPORT_TCP: u8 = 6;
const ICMP_ECHO_REQUEST: u8 = 8;

const HEADER_NETWORK: u32 = 1;
const HEADER_TRANSPORT: u32 = 2;
const IPV4_SOURCE: u32 = 12;

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
/// `IPS_DST_NAT`.
const STATUS_TRANSLATED: u32 = 1 << 5;

/// Conditions and a verdict.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: &'static str,
    expressions: Vec<Expression>,
}

#[derive(Debug)]
enum Expression {
    Meta(u32),
    Payload {
        header: u32,
        offset: u32,
        length: u32,
        register: u32,
    },
    Fib {
        result: u32,
        flags: u32,
    },
    Connection(u32),
    Mask(u32),
    Equal(Vec<u8>),
    Differs(Vec<u8>),
    InSet(&'static str),
    InMap(&'static str),
    Translate,
    Masquerade,
    Count,
    Verdict {
        accept: bool,
    },
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

    /// It came in by a virtual gateway's link.
    pub(super) fn entering_by_link(self) -> Self {
        self.and([
            Expression::Meta(META_INPUT_NAME),
            Expression::Equal(PREFIX.into()),
        ])
    }

    /// It leaves by a virtual gateway's link.
    pub(super) fn leaving_by_link(self) -> Self {
        self.and([
            Expression::Meta(META_OUTPUT_NAME),
            Expression::Equal(PREFIX.into()),
        ])
    }

    /// It came in by this device.
    pub(super) fn entering_by(self, device: &str) -> Self {
        self.and([
            Expression::Meta(META_INPUT_NAME),
            Expression::Equal(device_name(device)),
        ])
    }

    /// It leaves by this device.
    pub(super) fn leaving_by(self, device: &str) -> Self {
        self.and([
            Expression::Meta(META_OUTPUT_NAME),
            Expression::Equal(device_name(device)),
        ])
    }

    /// Its source address is not routed to where it came from.
    pub(super) fn no_way_back(self) -> Self {
        self.and([
            Expression::Fib {
                result: FIB_DEVICE,
                flags: FIB_SOURCE | FIB_SAME_DEVICE,
            },
            Expression::Equal(0u32.to_ne_bytes().into()),
        ])
    }

    /// Its destination is an address of the box.
    pub(super) fn for_the_box(self) -> Self {
        self.and([
            Expression::Fib {
                result: FIB_ADDRESS_TYPE,
                flags: FIB_DESTINATION,
            },
            Expression::Equal(ADDRESS_IS_LOCAL.to_ne_bytes().into()),
        ])
    }

    /// It belongs to a connection that was let through, or answers one.
    pub(super) fn established(self) -> Self {
        self.connection(CONNECTION_STATE, STATE_KNOWN)
    }

    /// Its destination was translated by the map of published ports.
    pub(super) fn translated(self) -> Self {
        self.connection(CONNECTION_STATUS, STATUS_TRANSLATED)
    }

    fn connection(self, key: u32, mask: u32) -> Self {
        let none = 0u32.to_ne_bytes().into();
        self.and([
            Expression::Connection(key),
            Expression::Mask(mask),
            Expression::Differs(none),
        ])
    }

    fn ipv4(self) -> Self {
        self.and([
            Expression::Meta(META_NETWORK),
            Expression::Equal(vec![NETWORK_IPV4]),
        ])
    }

    fn source(self, length: u32) -> Self {
        let (header, offset) = (HEADER_NETWORK, IPV4_SOURCE);
        self.ipv4().and([Expression::Payload {
            header,
            offset,
            length,
            register: REGISTER,
        }])
    }

    /// Its source is a virtual gateway whose contract lets it go beyond the uplink.
    pub(super) fn allowed(self) -> Self {
        self.source(4).and([Expression::InSet(WAN)])
    }

    /// Its source lies in the virtual gateways' network, 100.96.0.0/16.
    pub(super) fn of_a_vgw(self) -> Self {
        let network = BOX_ADDRESS.iter().take(2).copied().collect();
        self.source(2).and([Expression::Equal(network)])
    }

    /// It goes to this TCP port.
    pub(super) fn tcp_port(self, port: u16) -> Self {
        let (header, register) = (HEADER_TRANSPORT, REGISTER);
        self.and([
            Expression::Meta(META_TRANSPORT),
            Expression::Equal(vec![TRANSPORT_TCP]),
            Expression::Payload {
                header,
                offset: 2,
                length: 2,
                register,
            },
            Expression::Equal(port.to_be_bytes().into()),
        ])
    }

    /// It is an IPv4 echo request.
    pub(super) fn echo_request(self) -> Self {
        let (header, register) = (HEADER_TRANSPORT, REGISTER);
        self.ipv4().and([
            Expression::Meta(META_TRANSPORT),
            Expression::Equal(vec![TRANSPORT_ICMP]),
            Expression::Payload {
                header,
                offset: 0,
                length: 1,
                register,
            },
            Expression::Equal(vec![ICMP_ECHO_REQUEST]),
        ])
    }

    /// Look protocol and port up among the published ones and send it there.
    pub(super) fn translate(self) -> Self {
        let (header, register) = (HEADER_TRANSPORT, REGISTER + 1);
        self.ipv4().and([
            Expression::Meta(META_TRANSPORT),
            Expression::Payload {
                header,
                offset: 2,
                length: 2,
                register,
            },
            Expression::InMap(PUBLISH),
            Expression::Translate,
        ])
    }

    pub(super) fn masquerade(self) -> Self {
        self.and([Expression::Masquerade])
    }

    pub(super) fn accept(self) -> Self {
        self.and([Expression::Verdict { accept: true }])
    }

    /// Counted, so that a refusal leaves a trace.
    pub(super) fn drop(self) -> Self {
        self.and([Expression::Count, Expression::Verdict { accept: false }])
    }

    /// Writes the expressions into a rule's list.
    pub(super) fn write(&self, list: &mut Attributes<'_>) {
        for expression in &self.expressions {
            list.nest(LIST_ELEMENT, |element| {
                element
                    .text(1, expression.name())
                    .nest(2, |data| expression.write(data));
            });
        }
    }
}

/// A whole device name: compared with its padding, so that no longer name matches.
fn device_name(device: &str) -> Vec<u8> {
    let mut name = device.as_bytes().to_vec();
    name.resize(16, 0);
    name
}

impl Expression {
    const fn name(&self) -> &'static str {
        match self {
            Self::Meta(_) => "meta",
            Self::Payload { .. } => "payload",
            Self::Fib { .. } => "fib",
            Self::Connection(_) => "ct",
            Self::Mask(_) => "bitwise",
            Self::Equal(_) | Self::Differs(_) => "cmp",
            Self::InSet(_) | Self::InMap(_) => "lookup",
            Self::Translate => "nat",
            Self::Masquerade => "masq",
            Self::Count => "counter",
            Self::Verdict { .. } => "immediate",
        }
    }

    /// The attributes, by their numbers in `nf_tables.h`.
    fn write(&self, to: &mut Attributes<'_>) {
        match self {
            Self::Meta(key) | Self::Connection(key) => {
                to.network(1, REGISTER).network(2, *key);
            }
            Self::Payload {
                header,
                offset,
                length,
                register,
            } => {
                to.network(1, *register)
                    .network(2, *header)
                    .network(3, *offset)
                    .network(4, *length);
            }
            Self::Fib { result, flags } => {
                to.network(1, REGISTER)
                    .network(2, *result)
                    .network(3, *flags);
            }
            Self::Mask(mask) => {
                to.network(1, REGISTER).network(2, REGISTER).network(3, 4);
                value(to, 4, &mask.to_ne_bytes());
                value(to, 5, &0u32.to_ne_bytes());
            }
            Self::Equal(expected) => compare(to, 0, expected),
            Self::Differs(expected) => compare(to, 1, expected),
            Self::InSet(set) => {
                to.text(1, set).network(2, REGISTER);
            }
            Self::InMap(map) => {
                to.text(1, map).network(2, REGISTER).network(3, RESULT);
            }
            Self::Translate => {
                const DESTINATION: u32 = 1;
                to.network(1, DESTINATION)
                    .network(2, u32::from(NETWORK_IPV4))
                    .network(3, RESULT)
                    .network(5, RESULT + 1);
            }
            Self::Masquerade | Self::Count => {}
            Self::Verdict { accept } => {
                to.network(1, VERDICT).nest(2, |data| {
                    data.nest(2, |verdict| {
                        verdict.network(1, u32::from(*accept));
                    });
                });
            }
        }
    }
}

fn compare(to: &mut Attributes<'_>, operation: u32, expected: &[u8]) {
    to.network(1, REGISTER).network(2, operation);
    value(to, 3, expected);
}

fn value(to: &mut Attributes<'_>, kind: u16, bytes: &[u8]) {
    to.nest(kind, |data| {
        data.bytes(DATA_VALUE, bytes);
    });
}
