//! Expressions: what the kernel's nftables machine executes
//!
//! Each loads something into a register, compares one, or ends the rule. Source: Linux
//! `include/uapi/linux/netfilter/nf_tables.h` and `net/netfilter/nft_*.c`.

use crate::message::Attributes;

use super::table::{DATA_VALUE, LIST_ELEMENT};

/// First 32-bit register (`NFT_REG32_00`).
pub(super) const REGISTER: u32 = 8;
/// Where a look-up puts the first word of what it found.
pub(super) const RESULT: u32 = 12;
/// The register of the verdict (`NFT_REG_VERDICT`).
const VERDICT: u32 = 0;

/// One step of a rule.
#[derive(Debug, Clone)]
pub(super) enum Expression {
    /// Loads a property of the packet (`NFT_META_*`).
    Meta(u32),
    /// The same, into this register.
    MetaInto(u32, u32),
    /// Loads bytes of a header.
    Payload {
        header: u32,
        offset: u32,
        length: u32,
        register: u32,
    },
    /// Loads what the routing table says.
    Fib {
        result: u32,
        flags: u32,
    },
    /// Loads a property of the tracked connection (`NFT_CT_*`).
    Connection(u32),
    /// Loads bytes.
    Load {
        register: u32,
        bytes: Vec<u8>,
    },
    /// Sets the tracked connection's mark.
    Mark {
        register: u32,
    },
    /// Keeps these bits of the register.
    Mask([u8; 4]),
    Compare {
        comparison: Comparison,
        with: Vec<u8>,
    },
    InSet(&'static str),
    /// Loads what the map has for the register.
    InMap(&'static str),
    /// The connection is one too many of the share that the map has for the register.
    Over(&'static str),
    /// Counts, in the set, under the register.
    CountIn(&'static str),
    NoTrack,
    Translate,
    Masquerade,
    Count,
    Verdict(Verdict),
}

/// How a register is compared.
#[derive(Debug, Clone, Copy)]
pub(super) enum Comparison {
    Equal = 0,
    Differs = 1,
    AtLeast = 5,
}

/// What ends a rule, or a chain.
#[derive(Debug, Clone)]
pub(super) enum Verdict {
    Drop,
    Accept,
    /// To a chain, and back to whence this one was entered.
    Goto(&'static str),
}

impl Verdict {
    /// Writes it as the value of an immediate.
    fn write(&self, to: &mut Attributes<'_>) {
        const DATA_VERDICT: u16 = 2;
        const CODE: u16 = 1;
        const CHAIN: u16 = 2;
        let (code, chain) = match self {
            Self::Drop => (0, None),
            Self::Accept => (1, None),
            Self::Goto(chain) => (-4_i32, Some(chain)),
        };
        to.nest(DATA_VERDICT, |verdict| {
            verdict.network(CODE, code.cast_unsigned());
            if let Some(chain) = chain {
                verdict.text(CHAIN, chain);
            }
        });
    }
}

impl Expression {
    /// Appends it to a rule's list.
    pub(super) fn append(&self, list: &mut Attributes<'_>) {
        list.nest(LIST_ELEMENT, |element| self.put(element));
    }

    /// Name and data.
    fn put(&self, element: &mut Attributes<'_>) {
        element
            .text(1, self.name())
            .nest(2, |data| self.write(data));
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Meta(_) | Self::MetaInto(..) => "meta",
            Self::Payload { .. } => "payload",
            Self::Fib { .. } => "fib",
            Self::Connection(_) | Self::Mark { .. } => "ct",
            Self::Mask(_) => "bitwise",
            Self::Compare { .. } => "cmp",
            Self::InSet(_) | Self::InMap(_) => "lookup",
            Self::Over(_) => "objref",
            Self::CountIn(_) => "dynset",
            Self::NoTrack => "notrack",
            Self::Translate => "nat",
            Self::Masquerade => "masq",
            Self::Count => "counter",
            Self::Load { .. } | Self::Verdict(_) => "immediate",
        }
    }

    /// The attributes, by their numbers in `nf_tables.h`.
    fn write(&self, to: &mut Attributes<'_>) {
        match self {
            Self::Meta(key) | Self::Connection(key) => {
                to.network(1, REGISTER).network(2, *key);
            }
            Self::MetaInto(key, register) => {
                to.network(1, *register).network(2, *key);
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
            Self::Mark { register } => {
                const MARK: u32 = 3;
                to.network(2, MARK).network(4, *register);
            }
            Self::Mask(mask) => {
                to.network(1, REGISTER).network(2, REGISTER).network(3, 4);
                value(to, 4, mask);
                value(to, 5, &[0; 4]);
            }
            Self::Compare { comparison, with } => {
                to.network(1, REGISTER).network(2, *comparison as u32);
                value(to, 3, with);
            }
            Self::Over(map) => {
                to.network(3, REGISTER).text(4, map);
            }
            Self::NoTrack | Self::Masquerade | Self::Count => {}
            Self::Load { register, bytes } => {
                to.network(1, *register);
                value(to, 2, bytes);
            }
            Self::Verdict(verdict) => {
                to.network(1, VERDICT).nest(2, |data| verdict.write(data));
            }
            Self::InSet(set) | Self::InMap(set) | Self::CountIn(set) => self.look_up(to, set),
            Self::Translate => {
                const DESTINATION: u32 = 1;
                const IPV4: u32 = 2;
                to.network(1, DESTINATION)
                    .network(2, IPV4)
                    .network(3, RESULT)
                    .network(5, RESULT + 1);
            }
        }
    }

    fn look_up(&self, to: &mut Attributes<'_>, set: &str) {
        const UPDATE: u32 = 1;
        to.text(1, set);
        match self {
            Self::InMap(_) => to.network(2, REGISTER).network(3, RESULT),
            Self::CountIn(_) => to
                .network(3, UPDATE)
                .network(4, REGISTER)
                .nest(7, |counter| Self::Count.put(counter)),
            _ => to.network(2, REGISTER),
        };
    }
}

fn value(to: &mut Attributes<'_>, kind: u16, bytes: &[u8]) {
    to.nest(kind, |data| {
        data.bytes(DATA_VALUE, bytes);
    });
}
