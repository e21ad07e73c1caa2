//! nftables transactions
//!
//! Everything between begin and end takes effect at once or not at all.

use rustix::io::Errno;

use crate::fault::Fault;
use crate::message::{ACK, APPEND, Attributes, Batch, CREATE, DUMP, EXCLUSIVE};
use crate::socket::Socket;

use super::element::Element;
use super::rule::{Chain, Rule};
use super::table::{ELEMENT_FLAGS, ELEMENTS, Holds, LIST_ELEMENT, SUBSYSTEM, Set, TABLE, WORDS};

const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const FAMILY_INET: u8 = 1;

const NEW_TABLE: u16 = 0;
const DELETE_TABLE: u16 = 2;
const NEW_CHAIN: u16 = 3;
const NEW_RULE: u16 = 6;
const NEW_SET: u16 = 9;
const NEW_ELEMENT: u16 = 12;
const GET_ELEMENT: u16 = 13;
const DELETE_ELEMENT: u16 = 14;
const NEW_OBJECT: u16 = 18;
const DELETE_OBJECT: u16 = 20;

/// Name of the table in every message about it.
const TABLE_NAME: u16 = 1;
const SET_NAME: u16 = 2;
const SET_FLAGS: u16 = 3;
const SET_KEY_TYPE: u16 = 4;
const SET_KEY_LENGTH: u16 = 5;
const SET_DATA_TYPE: u16 = 6;
const SET_DATA_LENGTH: u16 = 7;
const SET_DESCRIPTION: u16 = 9;
const SET_ID: u16 = 10;
const SET_OBJECT_TYPE: u16 = 15;

const OBJECT_NAME: u16 = 2;
const OBJECT_TYPE: u16 = 3;
const OBJECT_DATA: u16 = 4;
/// `NFT_OBJECT_CONNLIMIT`.
const SHARE: u32 = 5;

const CHAIN_NAME: u16 = 3;
const CHAIN_HOOK: u16 = 4;
const CHAIN_POLICY: u16 = 5;
const CHAIN_TYPE: u16 = 7;
const HOOK_NUMBER: u16 = 1;
const HOOK_PRIORITY: u16 = 2;

const RULE_CHAIN: u16 = 2;
const RULE_EXPRESSIONS: u16 = 4;
const RULE_USER_DATA: u16 = 7;

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

    /// Makes the table, which is not there.
    pub(super) fn make_table(&mut self) {
        let purpose = ("make firewall table", TABLE.into());
        self.push(purpose, (NEW_TABLE, CREATE | EXCLUSIVE), |_| {});
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
            match set.data {
                Holds::Nothing => {}
                Holds::Data(kind, length) => {
                    to.network(SET_DATA_TYPE, kind)
                        .network(SET_DATA_LENGTH, length);
                }
                Holds::Shares => {
                    to.network(SET_OBJECT_TYPE, SHARE);
                }
            }
            if set.flags & WORDS != 0 {
                words(to, length / 4);
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

    pub(super) fn rule(&mut self, chain: &str, rule: &Rule) {
        let purpose = ("add firewall rule", format!("{chain}/{}", rule.name));
        self.push(purpose, (NEW_RULE, CREATE | APPEND), |to| {
            to.text(RULE_CHAIN, chain)
                .nest(RULE_EXPRESSIONS, |list| rule.write(list))
                .bytes(RULE_USER_DATA, &comment(rule.name));
        });
    }

    /// Makes a share of connections.
    pub(super) fn share(&mut self, name: &str, most: u32) {
        const COUNT: u16 = 1;
        const FLAGS: u16 = 2;
        /// The share is exceeded, not kept.
        const INVERTED: u32 = 1;
        let purpose = ("make share of connections", name.to_owned());
        self.push(purpose, (NEW_OBJECT, CREATE), |to| {
            to.text(OBJECT_NAME, name)
                .network(OBJECT_TYPE, SHARE)
                .nest(OBJECT_DATA, |data| {
                    data.network(COUNT, most).network(FLAGS, INVERTED);
                });
        });
    }

    /// Removes a share that no element leads to.
    pub(super) fn end_share(&mut self, name: &str) {
        let purpose = ("remove share of connections", name.to_owned());
        self.push(purpose, (DELETE_OBJECT, 0), |to| {
            to.text(OBJECT_NAME, name).network(OBJECT_TYPE, SHARE);
        });
    }

    /// Adds an element, for `whom`; a key that is there already is refused.
    pub(super) fn add(&mut self, element: &Element, whom: &str) {
        let object = match (element.set, &element.key[..]) {
            (super::table::PUBLISH, [_, _, _, _, high, low, ..]) => {
                format!("port {} to {whom}", u16::from_be_bytes([*high, *low]))
            }
            (set, _) => format!("{set} of {whom}"),
        };
        let purpose = ("let through", object);
        let message = (NEW_ELEMENT, CREATE | EXCLUSIVE);
        self.element(purpose, message, element.set, |to| element.write(to, true));
    }

    /// Removes an element that is there.
    pub(super) fn remove(&mut self, element: &Element) {
        let purpose = ("no longer let through", element.set.to_owned());
        let message = (DELETE_ELEMENT, 0);
        self.element(purpose, message, element.set, |to| element.write(to, false));
    }

    /// Adds a range of keys: from the first to before the one behind the last.
    pub(super) fn range(&mut self, set: &'static str, first: &[u8], behind: Option<&[u8]>) {
        const END: u32 = 1;
        for (key, flags) in [(Some(first), 0), (behind, END)] {
            let Some(key) = key else { continue };
            let purpose = ("list", "a network in the firewall".to_owned());
            self.element(purpose, (NEW_ELEMENT, CREATE), set, |to| {
                Element::new(set, key).write(to, true);
                to.network(ELEMENT_FLAGS, flags);
            });
        }
    }

    fn element(
        &mut self,
        purpose: (&'static str, String),
        message: (u16, u16),
        set: &str,
        write: impl FnOnce(&mut Attributes<'_>),
    ) {
        self.push(purpose, message, |to| {
            to.text(SET_NAME, set).nest(ELEMENTS, |list| {
                list.nest(LIST_ELEMENT, write);
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

/// Says that a key is so many words of four bytes.
fn words(to: &mut Attributes<'_>, count: u32) {
    const CONCATENATION: u16 = 2;
    const FIELD_LENGTH: u16 = 1;
    to.nest(SET_DESCRIPTION, |description| {
        description.nest(CONCATENATION, |fields| {
            for _ in 0..count {
                fields.nest(LIST_ELEMENT, |field| {
                    field.network(FIELD_LENGTH, 4);
                });
            }
        });
    });
}

/// Hands every message about elements of `set` to `take`, without its fixed part. A set that is not
/// there has none.
pub(super) fn elements(
    socket: &Socket,
    set: &str,
    mut take: impl FnMut(&[u8]),
) -> Result<(), Fault> {
    let mut batch = Batch::default();
    let purpose = ("read firewall set", set.to_owned());
    let message = (number(GET_ELEMENT), DUMP);
    batch.push(purpose, message, &[FAMILY_INET, 0, 0, 0], |to| {
        to.text(TABLE_NAME, TABLE).text(SET_NAME, set);
    });
    match socket.dump(&batch, |body| take(body.get(4..).unwrap_or_default())) {
        Err(fault) if fault.errno == Errno::NOENT => Ok(()),
        other => other,
    }
}

fn number(kind: u16) -> u16 {
    (u16::from(SUBSYSTEM) << 8) | kind
}
/// A rule's name as the `nft` program shows it: kind, length, text.
fn comment(name: &str) -> Vec<u8> {
    const COMMENT: u8 = 0;
    let length = u8::try_from(name.len() + 1).unwrap_or(u8::MAX);
    [&[COMMENT, length], name.as_bytes(), &[0]].concat()
}
