//! The firewall: one table, ours
//!
//! `inet limen` holds every rule of the gateway and nothing else touches it. The chains that the
//! kernel enters do not change while virtual gateways come and go: they match the box's ends of the
//! links by prefix. What a contract allows lies in sets and maps (`table`).
//!
//! ```text
//! raw      (prerouting -300)  to the box: management, echo request           notrack, accept
//!                             from a link, not IPv4                          refuse: foreign
//!                             from a link, source not routed back there      refuse: spoofed
//!                             from a link, to more than one receiver         refuse: foreign
//! own      (output -300)      from management, echo reply                    notrack, accept
//! publish  (prerouting -100)  from the uplink, to the box                    mark, dnat @publish
//! forward  (policy drop)      link -> link                                   refuse: forward
//!                             to a link: established, related                accept
//!                             uplink -> link, was published, over @shares    refuse: connections
//!                             uplink -> link, was published                  accept
//!                             link -> uplink, was published                  accept
//!                             from a link, in the LAN's part of @listed...   share
//!                             from a link, not to the uplink, or @special    refuse: forward
//!                             from a link, source in @reach, or @listed...   share
//!                             from a link                                    refuse: forward
//! share                       begins a connection, over @shares              refuse: connections
//!                             begins a connection                            mark
//!                             tracked                                        accept
//! input                       established, related                           accept
//!                             from a link                                    refuse: input
//!                             from the uplink: management, echo request      accept
//!                             from the uplink                                drop
//! leave    (postrouting 100)  from a virtual gateway, by no link             masquerade
//! ```
//!
//! *Refuse* drops and counts, for the link and the reason, in the set `refused`, whose elements come
//! into being when they are needed. What leaves a link is asked for its right packet by packet, so a
//! contract that is tightened ends flows that are open too. Both directions of a virtual gateway's connections
//! count against one share. Management and echo are not tracked in either direction: however full
//! the table of connections is, they are heard. Other devices of a box that runs another firewall too
//! are left to that one. Every rule's name is its comment, and `examples/wires/rules.rs` takes each away
//! alone.

mod element;
mod expression;
mod rule;
mod table;
mod terms;
mod transaction;

use limen_proto::contract::Contract;
use limen_proto::id::Slot;
use limen_proto::jail::Refused;
use rustix::io::Errno;

use crate::fault::Fault;
use crate::flows;
use crate::refused::Reason;
use crate::socket::{Family, Socket};
use expression::Verdict;
use rule::{Chain, Hook, Rule};
use table::{LISTED, SETS, SPECIAL, SPECIAL_NETWORKS, TO_LAN, TO_WAN};
use transaction::Transaction;

/// The chain that asks nothing more of a packet than its connection's share.
const SHARE: &str = "share";

/// Makes the table, in the place of an earlier one if there is one.
pub(crate) fn install(uplink: &str, listen: u16) -> Result<(), Fault> {
    let socket = Socket::open(Family::Netfilter)?;
    let whole = |beginning: fn(&mut Transaction)| {
        let mut change = Transaction::begin();
        beginning(&mut change);
        fill(&mut change, uplink, listen);
        change.commit(&socket)
    };
    // At boot there is none. What deletes nothing leaves nothing to be freed, for which the kernel
    // waits when the socket is closed: two of its ticks, for all virtual gateways of a boot.
    match whole(Transaction::make_table) {
        Err(fault) if fault.errno == Errno::EXIST => whole(Transaction::replace_table),
        outcome => outcome,
    }
}

/// All that does not depend on a slot.
fn fill(change: &mut Transaction, uplink: &str, listen: u16) {
    for set in &SETS {
        change.set(set);
    }
    for (first, behind) in &SPECIAL_NETWORKS {
        change.range(SPECIAL, first, behind.as_ref().map(|behind| &behind[..]));
    }
    change.branch(SHARE);
    for rule in share() {
        change.rule(SHARE, &rule);
    }
    for (chain, rules) in chains(uplink, listen) {
        change.chain(&chain);
        for rule in rules {
            change.rule(chain.name, &rule);
        }
    }
}

/// Lets through what the contract says, and nothing that an earlier life of the slot left: its removal
/// may have failed, or have been cut short.
pub(crate) fn admit(slot: Slot, contract: &Contract) -> Result<(), Fault> {
    let socket = Socket::open(Family::Netfilter)?;
    let begin = || {
        let mut change = Transaction::begin();
        terms::begin(&mut change, slot, contract);
        change.commit(&socket)
    };
    match begin() {
        Err(fault) if fault.errno == Errno::EXIST => expel(slot).and_then(|_| begin()),
        outcome => outcome,
    }
}

/// Lets through what the contract says, and nothing that an earlier contract of the slot said:
/// its flows are cut where they are no longer what they were.
pub(crate) fn readmit(slot: Slot, contract: &Contract) -> Result<(), Fault> {
    let socket = Socket::open(Family::Netfilter)?;
    let obsolete = as_read(|| {
        let mut change = Transaction::begin();
        let obsolete = terms::replace(&socket, &mut change, slot, contract)?;
        change.commit(&socket).map(|()| obsolete)
    })?;
    obsolete
        .iter()
        .try_for_each(|mark| flows::cut(&socket, *mark))
}

/// Removes everything of the slot, cuts its flows, and returns what was refused to it.
pub(crate) fn expel(slot: Slot) -> Result<Refused, Fault> {
    let socket = Socket::open(Family::Netfilter)?;
    let refused = as_read(|| terms::erase(&socket, slot))?;
    flows::cut(&socket, flows::Mark::every(slot))?;
    Ok(refused)
}

/// Changes what was read from the table. The kernel reads it out in parts, and what others change
/// meanwhile moves what is behind: one that missed an element is told so by a refusal, and reads
/// again.
fn as_read<T>(mut change: impl FnMut() -> Result<T, Fault>) -> Result<T, Fault> {
    const TRIES: usize = 4;
    for _ in 1..TRIES {
        match change() {
            Err(fault) if matches!(fault.errno, Errno::EXIST | Errno::NOENT) => {}
            outcome => return outcome,
        }
    }
    change()
}

/// What was refused to the slot so far.
pub(crate) fn refused(slot: Slot) -> Result<Refused, Fault> {
    terms::refused(&Socket::open(Family::Netfilter)?, slot)
}

fn share() -> [Rule; 3] {
    [
        Rule::new("over")
            .over_by_input()
            .refuse(Reason::Connections),
        Rule::new("mark").beginning().mark(),
        Rule::new("tracked").tracked().accept(),
    ]
}

fn chains(uplink: &str, listen: u16) -> [(Chain, Vec<Rule>); 6] {
    [
        (
            Chain::filter("raw", Hook::Prerouting, -300),
            vec![
                Rule::new("management")
                    .entering_by(uplink)
                    .towards_tcp_port(listen)
                    .for_the_box()
                    .untracked()
                    .accept(),
                Rule::new("echo")
                    .entering_by(uplink)
                    .echo_request()
                    .for_the_box()
                    .untracked()
                    .accept(),
                Rule::new("foreign")
                    .entering_by_link()
                    .not_ipv4()
                    .refuse(Reason::Foreign),
                Rule::new("spoofed")
                    .entering_by_link()
                    .no_way_back()
                    .refuse(Reason::Spoofed),
                Rule::new("many")
                    .entering_by_link()
                    .for_many()
                    .refuse(Reason::Foreign),
            ],
        ),
        (
            Chain::filter("own", Hook::Output, -300),
            vec![
                Rule::new("management")
                    .leaving_by(uplink)
                    .out_of_tcp_port(listen)
                    .untracked()
                    .accept(),
                Rule::new("echo")
                    .leaving_by(uplink)
                    .echo_reply()
                    .untracked()
                    .accept(),
            ],
        ),
        (
            Chain::nat("publish", Hook::Prerouting, -100),
            vec![
                Rule::new("publish")
                    .entering_by(uplink)
                    .for_the_box()
                    .translate(),
            ],
        ),
        (
            Chain::filter("forward", Hook::Forward, 0).dropping(),
            forward(uplink),
        ),
        (
            Chain::filter("input", Hook::Input, 0),
            input(uplink, listen),
        ),
        (
            Chain::nat("leave", Hook::Postrouting, 100),
            vec![
                Rule::new("leave")
                    .of_a_vgw()
                    .leaving_by_no_link()
                    .masquerade(),
            ],
        ),
    ]
}

fn forward(uplink: &str) -> Vec<Rule> {
    let shared = |rule: Rule| rule.end(Verdict::Goto(SHARE));
    let listed = |whither| {
        (0..LISTED.len()).map(move |detail| {
            let rule = Rule::new("listed").entering_by_link();
            shared(rule.listed(whither, detail))
        })
    };
    let published = |name| {
        Rule::new(name)
            .entering_by(uplink)
            .leaving_by_link()
            .translated()
    };
    let mut rules = vec![
        Rule::new("neighbours")
            .entering_by_link()
            .leaving_by_link()
            .refuse(Reason::Forward),
        Rule::new("answers")
            .leaving_by_link()
            .established()
            .accept(),
        published("over")
            .over_by_output()
            .refuse_inwards(Reason::Connections),
        published("published").accept(),
        Rule::new("served")
            .entering_by_link()
            .leaving_by(uplink)
            .translated()
            .accept(),
    ];
    rules.extend(listed(TO_LAN));
    rules.push(
        Rule::new("elsewhere")
            .entering_by_link()
            .leaving_elsewhere(uplink)
            .refuse(Reason::Forward),
    );
    rules.push(
        Rule::new("special")
            .entering_by_link()
            .for_special()
            .refuse(Reason::Forward),
    );
    rules.push(shared(Rule::new("reach").entering_by_link().of_far_reach()));
    rules.extend(listed(TO_WAN));
    rules.push(Rule::new("rest").entering_by_link().refuse(Reason::Forward));
    rules
}

fn input(uplink: &str, listen: u16) -> Vec<Rule> {
    vec![
        Rule::new("established").established().accept(),
        Rule::new("links").entering_by_link().refuse(Reason::Input),
        Rule::new("management")
            .entering_by(uplink)
            .towards_tcp_port(listen)
            .accept(),
        Rule::new("echo")
            .entering_by(uplink)
            .echo_request()
            .accept(),
        Rule::new("rest").entering_by(uplink).drop(),
    ]
}
