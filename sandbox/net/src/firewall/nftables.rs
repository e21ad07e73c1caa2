//! nftables transactions
//!
//! Source: Linux `include/uapi/linux/netfilter/{nf_tables,nfnetlink}.h`. Numbers are in network
//! byte order. Everything between begin and end takes effect at once or not at all.

use crate::fault::Fault;
use crate::message::{ACK, APPEND, Attributes, Batch, CREATE, DUMP, EXCLUSIVE};
use crate::socket::Socket;

use super::rule::{Chain, Rule};

/// The table's name.
const TABLE: &str = "limen";
/// Map of published ports.
pub(super) const PUBLISH: &str = "publish";
/// Set of addresses that may go beyond the uplink.
pub(super) const WAN: &str = "wan";

const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const SUBSYSTEM: u8 = 10;
const FAMILY_INET: u8 = 1;

const NEW_TABLE: u16 = 0;
const DELETE_TABLE: u16 = 2;
const NEW_CHAIN: u16 = 3;
const NEW_RULE: u16 = 6;
const NEW_SET: u16 = 9;
const NEW_ELEMENT: u16 = 12;
const GET_ELEMENT: u16 = 13;
const DELETE_ELEMENT: u16 = 14;

/// Name of the table in every message about it.
const TABLE_NAME: u16 = 1;
const SET_NAME: u16 = 2;
const SET_FLAGS: u16 = 3;
const SET_KEY_TYPE: u16 = 4;
const SET_KEY_LENGTH: u16 = 5;
const SET_DATA_TYPE: u16 = 6;
const SET_DATA_LENGTH: u16 = 7;
const SET_ID: u16 = 10;
const SET_IS_MAP: u32 = 8;

const CHAIN_NAME: u16 = 3;
const CHAIN_HOOK: u16 = 4;
const CHAIN_POLICY: u16 = 5;
const CHAIN_TYPE: u16 = 7;
const HOOK_NUMBER: u16 = 1;
const HOOK_PRIORITY: u16 = 2;

const RULE_CHAIN: u16 = 2;
const RULE_EXPRESSIONS: u16 = 4;

/// `NFTA_LIST_ELEM`.
pub(super) const LIST_ELEMENT: u16 = 1;
pub(super) const ELEMENTS: u16 = 3;
pub(super) const ELEMENT_KEY: u16 = 1;
pub(super) const ELEMENT_DATA: u16 = 2;
/// `NFTA_DATA_VALUE`.
pub(super) const DATA_VALUE: u16 = 1;

/// Type numbers mean something to the `nft` program only: an address, and protocol or address
/// with a port.
const TYPE_ADDRESS: u32 = 7;
const TYPE_PROTOCOL_PORT: u32 = (12 << 6) | 13;
const TYPE_ADDRESS_PORT: u32 = (7 << 6) | 13;

/// Changes that take effect together.
#[derive(Debug)]
pub(super) struct Transaction {
    batch: Batch,
    answers: usize,
    sets: u32,
}

impl Transaction {
    pub(super) fn begin() -> Self {
        let mut batch = Batch::default();
        let fixed = [0, 0, 0, SUBSYSTEM];
        batch.push(
            ("begin", "a firewall change".into()),
            (BATCH_BEGIN, 0),
            &fixed,
            |_| {},
        );
        Self {
            batch,
            answers: 0,
            sets: 0,
        }
    }

    /// Deletes the table if it is there and makes it anew.
    pub(super) fn replace_table(&mut self) {
        for (kind, flags) in [(NEW_TABLE, CREATE), (DELETE_TABLE, 0), (NEW_TABLE, CREATE)] {
            self.push(
                ("replace firewall table", TABLE.into()),
                (kind, flags),
                |_| {},
            );
        }
    }

    /// Makes a set of keys of `key` bytes.
    pub(super) fn set(&mut self, name: &str, key: u32) {
        self.declare(name, |to| {
            to.network(SET_KEY_TYPE, TYPE_ADDRESS)
                .network(SET_KEY_LENGTH, key);
        });
    }

    /// Makes a map from keys of `key` bytes to values of `data` bytes.
    pub(super) fn map(&mut self, name: &str, key: u32, data: u32) {
        self.declare(name, |to| {
            to.network(SET_FLAGS, SET_IS_MAP)
                .network(SET_KEY_TYPE, TYPE_PROTOCOL_PORT)
                .network(SET_KEY_LENGTH, key)
                .network(SET_DATA_TYPE, TYPE_ADDRESS_PORT)
                .network(SET_DATA_LENGTH, data);
        });
    }

    fn declare(&mut self, name: &str, body: impl FnOnce(&mut Attributes<'_>)) {
        self.sets += 1;
        let id = self.sets;
        self.push(
            ("make firewall set", name.into()),
            (NEW_SET, CREATE),
            |to| {
                to.text(SET_NAME, name);
                body(to);
                to.network(SET_ID, id);
            },
        );
    }

    pub(super) fn chain(&mut self, chain: &Chain) {
        let purpose = ("make firewall chain", chain.name.into());
        self.push(purpose, (NEW_CHAIN, CREATE), |to| {
            to.text(CHAIN_NAME, chain.name)
                .nest(CHAIN_HOOK, |hook| {
                    hook.network(HOOK_NUMBER, chain.hook as u32)
                        .network(HOOK_PRIORITY, chain.priority.cast_unsigned());
                })
                .network(CHAIN_POLICY, u32::from(!chain.drops))
                .text(CHAIN_TYPE, chain.kind);
        });
    }

    pub(super) fn rule(&mut self, chain: &Chain, rule: &Rule) {
        let purpose = ("add firewall rule", format!("{}/{}", chain.name, rule.name));
        self.push(purpose, (NEW_RULE, CREATE | APPEND), |to| {
            to.text(RULE_CHAIN, chain.name)
                .nest(RULE_EXPRESSIONS, |list| rule.write(list));
        });
    }

    /// Adds an element; one that exists already is refused.
    pub(super) fn add(&mut self, set: &str, object: String, key: &[u8], data: Option<&[u8]>) {
        let purpose = ("let through", object);
        self.element(purpose, (NEW_ELEMENT, CREATE | EXCLUSIVE), set, key, data);
    }

    /// Removes an element that is there.
    pub(super) fn remove(&mut self, set: &str, key: &[u8]) {
        let purpose = ("no longer let through", set.to_owned());
        self.element(purpose, (DELETE_ELEMENT, 0), set, key, None);
    }

    fn element(
        &mut self,
        purpose: (&'static str, String),
        message: (u16, u16),
        set: &str,
        key: &[u8],
        data: Option<&[u8]>,
    ) {
        self.push(purpose, message, |to| {
            to.text(SET_NAME, set).nest(ELEMENTS, |list| {
                list.nest(LIST_ELEMENT, |element| {
                    element.nest(ELEMENT_KEY, |to| {
                        to.bytes(DATA_VALUE, key);
                    });
                    if let Some(data) = data {
                        element.nest(ELEMENT_DATA, |to| {
                            to.bytes(DATA_VALUE, data);
                        });
                    }
                });
            });
        });
    }

    fn push(
        &mut self,
        purpose: (&'static str, String),
        (kind, flags): (u16, u16),
        body: impl FnOnce(&mut Attributes<'_>),
    ) {
        self.answers += 1;
        self.batch.push(
            purpose,
            (number(kind), flags | ACK),
            &[FAMILY_INET, 0, 0, 0],
            |to| {
                to.text(TABLE_NAME, TABLE);
                body(to);
            },
        );
    }

    /// Takes effect; with nothing in it, nothing is sent.
    pub(super) fn commit(mut self, socket: &Socket) -> Result<(), Fault> {
        if self.answers == 0 {
            return Ok(());
        }
        let fixed = [0, 0, 0, SUBSYSTEM];
        self.batch.push(
            ("commit", "a firewall change".into()),
            (BATCH_END, 0),
            &fixed,
            |_| {},
        );
        socket.execute(&self.batch, self.answers)
    }
}

/// Hands every message about elements of `set` to `take`, without its fixed part.
pub(super) fn elements(
    socket: &Socket,
    set: &str,
    mut take: impl FnMut(&[u8]),
) -> Result<(), Fault> {
    let mut batch = Batch::default();
    let message = (number(GET_ELEMENT), DUMP);
    batch.push(
        ("read firewall set", set.into()),
        message,
        &[FAMILY_INET, 0, 0, 0],
        |to| {
            to.text(TABLE_NAME, TABLE).text(SET_NAME, set);
        },
    );
    socket.dump(&batch, |body| take(body.get(4..).unwrap_or_default()))
}

fn number(kind: u16) -> u16 {
    (u16::from(SUBSYSTEM) << 8) | kind
}
