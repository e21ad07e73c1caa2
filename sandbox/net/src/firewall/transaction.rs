//! nftables transactions
//!
//! Everything between begin and end takes effect at once or not at all.

use rustix::io::Errno;

use crate::fault::Fault;
use crate::message::{ACK, APPEND, Attributes, Batch, CREATE, DUMP, EXCLUSIVE};
use crate::socket::Socket;

use super::expression::Verdict;
use super::rule::{Chain, Rule};
use super::table::{
    DATA_VALUE, ELEMENT_DATA, ELEMENT_FLAGS, ELEMENT_KEY, ELEMENTS, LIST_ELEMENT, SUBSYSTEM, Set,
    TABLE,
};

const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const FAMILY_INET: u8 = 1;

const NEW_TABLE: u16 = 0;
const DELETE_TABLE: u16 = 2;
const NEW_CHAIN: u16 = 3;
const DELETE_CHAIN: u16 = 5;
const NEW_RULE: u16 = 6;
const GET_RULE: u16 = 7;
const DELETE_RULE: u16 = 8;
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

const CHAIN_NAME: u16 = 3;
const CHAIN_HOOK: u16 = 4;
const CHAIN_POLICY: u16 = 5;
const CHAIN_TYPE: u16 = 7;
const HOOK_NUMBER: u16 = 1;
const HOOK_PRIORITY: u16 = 2;

const RULE_CHAIN: u16 = 2;
const RULE_EXPRESSIONS: u16 = 4;
const RULE_NOTE: u16 = 7;

/// What a map has for a key.
#[derive(Debug, Clone, Copy)]
pub(super) enum Data<'a> {
    Bytes(&'a [u8]),
    Verdict(&'a Verdict),
}

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

    /// Makes a set or a map.
    pub(super) fn set(&mut self, set: &Set) {
        self.sets += 1;
        let id = self.sets;
        let purpose = ("make firewall set", set.name.into());
        self.push(purpose, (NEW_SET, CREATE), |to| {
            let (kind, length) = set.key;
            to.text(SET_NAME, set.name)
                .network(SET_FLAGS, set.flags)
                .network(SET_KEY_TYPE, kind)
                .network(SET_KEY_LENGTH, length);
            if let Some((kind, length)) = set.data {
                to.network(SET_DATA_TYPE, kind)
                    .network(SET_DATA_LENGTH, length);
            }
            to.network(SET_ID, id);
        });
    }

    /// Makes a chain that the kernel enters by itself.
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

    /// Makes a chain that rules lead to; one that is there already stays.
    pub(super) fn branch(&mut self, name: &str) {
        let purpose = ("make firewall chain", name.to_owned());
        self.push(purpose, (NEW_CHAIN, CREATE), |to| {
            to.text(CHAIN_NAME, name);
        });
    }

    /// Removes every rule of a chain that is there.
    pub(super) fn empty(&mut self, name: &str) {
        let purpose = ("empty firewall chain", name.to_owned());
        self.push(purpose, (DELETE_RULE, 0), |to| {
            to.text(RULE_CHAIN, name);
        });
    }

    /// Removes a chain that is there, and its rules.
    pub(super) fn cut(&mut self, name: &str) {
        self.empty(name);
        let purpose = ("remove firewall chain", name.to_owned());
        self.push(purpose, (DELETE_CHAIN, 0), |to| {
            to.text(CHAIN_NAME, name);
        });
    }

    /// Appends a rule; the kernel keeps the note for us.
    pub(super) fn rule(&mut self, chain: &str, rule: &Rule, note: &[u8]) {
        let purpose = ("add firewall rule", format!("{chain}/{}", rule.name));
        self.push(purpose, (NEW_RULE, CREATE | APPEND), |to| {
            to.text(RULE_CHAIN, chain)
                .nest(RULE_EXPRESSIONS, |list| rule.write(list));
            if !note.is_empty() {
                to.bytes(RULE_NOTE, note);
            }
        });
    }

    /// Adds an element; one with that key that says something else is refused.
    pub(super) fn add(&mut self, set: &str, object: String, key: &[u8], data: Data<'_>) {
        let flags = match data {
            // The same verdict may be there already.
            Data::Verdict(_) => CREATE,
            _ => CREATE | EXCLUSIVE,
        };
        let purpose = ("let through", object);
        self.element(
            purpose,
            (NEW_ELEMENT, flags),
            (set, key),
            |element| match data {
                Data::Bytes(bytes) => {
                    element.nest(ELEMENT_DATA, |to| {
                        to.bytes(DATA_VALUE, bytes);
                    });
                }
                Data::Verdict(verdict) => {
                    element.nest(ELEMENT_DATA, |to| verdict.write(to));
                }
            },
        );
    }

    /// Adds a range of keys: from the first to before the one behind the last.
    pub(super) fn range(&mut self, set: &str, first: &[u8], behind: Option<&[u8]>) {
        const END: u32 = 1;
        let purpose = || ("list", "a network in the firewall".to_owned());
        let message = (NEW_ELEMENT, CREATE);
        self.element(purpose(), message, (set, first), |_| {});
        if let Some(behind) = behind {
            self.element(purpose(), message, (set, behind), |element| {
                element.network(ELEMENT_FLAGS, END);
            });
        }
    }

    /// Removes an element that is there.
    pub(super) fn remove(&mut self, set: &str, key: &[u8]) {
        let purpose = ("no longer let through", set.to_owned());
        self.element(purpose, (DELETE_ELEMENT, 0), (set, key), |_| {});
    }

    fn element(
        &mut self,
        purpose: (&'static str, String),
        message: (u16, u16),
        (set, key): (&str, &[u8]),
        more: impl FnOnce(&mut Attributes<'_>),
    ) {
        self.push(purpose, message, |to| {
            to.text(SET_NAME, set).nest(ELEMENTS, |list| {
                list.nest(LIST_ELEMENT, |element| {
                    element.nest(ELEMENT_KEY, |to| {
                        to.bytes(DATA_VALUE, key);
                    });
                    more(element);
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
pub(super) fn elements(socket: &Socket, set: &str, take: impl FnMut(&[u8])) -> Result<(), Fault> {
    let purpose = ("read firewall set", set.to_owned());
    read(socket, purpose, GET_ELEMENT, (SET_NAME, set), take)
}

/// The note of the first rule of a chain that has one; none when the chain is not there.
pub(super) fn note(socket: &Socket, chain: &str) -> Result<Option<Vec<u8>>, Fault> {
    let mut found = None;
    let purpose = ("read firewall chain", chain.to_owned());
    read(socket, purpose, GET_RULE, (RULE_CHAIN, chain), |rule| {
        let note = crate::message::find(rule, RULE_NOTE).map(<[u8]>::to_vec);
        found = found.take().or(note);
    })?;
    Ok(found)
}

/// What is not there has nothing in it.
fn read(
    socket: &Socket,
    purpose: (&'static str, String),
    kind: u16,
    (attribute, name): (u16, &str),
    mut take: impl FnMut(&[u8]),
) -> Result<(), Fault> {
    let mut batch = Batch::default();
    let message = (number(kind), DUMP);
    batch.push(purpose, message, &[FAMILY_INET, 0, 0, 0], |to| {
        to.text(TABLE_NAME, TABLE).text(attribute, name);
    });
    match socket.dump(&batch, |body| take(body.get(4..).unwrap_or_default())) {
        Err(fault) if fault.errno == Errno::NOENT => Ok(()),
        other => other,
    }
}

fn number(kind: u16) -> u16 {
    (u16::from(SUBSYSTEM) << 8) | kind
}
