//! The firewall: one table, ours
//!
//! `inet limen` holds every rule of the gateway and nothing else touches it. Its rules do not
//! change while virtual gateways come and go: they match the box's ends of the links by prefix, and
//! what a contract allows lies in two sets.
//!
//! ```text
//! map publish : protocol . port of the box -> address . port inside
//! set wan     : addresses that may go beyond the uplink
//!
//! raw      (prerouting -300)  from a link, source not routed back there      drop
//! publish  (prerouting -100)  from the uplink, to the box                    dnat @publish
//! forward  (policy drop)      uplink -> link, established, related           accept
//!                             uplink -> link, was published                  accept
//!                             link -> uplink, was published                  accept
//!                             link -> uplink, source in @wan                 accept
//! input                       established, related, loopback                 accept
//!                             from a link                                    drop
//!                             from the uplink: management, echo request      accept
//!                             from the uplink                                drop
//! leave    (postrouting 100)  from a virtual gateway, out of the uplink      masquerade
//! ```
//!
//! What leaves by the uplink is asked for its right packet by packet, so a contract that is tightened
//! ends flows that are open too. Other devices of a box that runs another firewall too are left to that one.

mod element;
mod nftables;
mod rule;

use limen_proto::contract::Contract;
use limen_proto::id::Slot;

use crate::fault::Fault;
use crate::socket::{Family, Socket};
use nftables::Transaction;
use rule::{Chain, Hook, Rule};

/// Replaces the table as a whole.
pub(crate) fn install(uplink: &str, listen: u16) -> Result<(), Fault> {
    let mut change = Transaction::begin();
    change.replace_table();
    change.map(nftables::PUBLISH, 8, 8);
    change.set(nftables::WAN, 4);
    for (chain, rules) in chains(uplink, listen) {
        change.chain(&chain);
        for rule in rules {
            change.rule(&chain, &rule);
        }
    }
    change.commit(&Socket::open(Family::Netfilter)?)
}

/// Lets through what the contract says, and nothing that an earlier contract of the slot said.
pub(crate) fn admit(slot: Slot, contract: &Contract) -> Result<(), Fault> {
    let socket = Socket::open(Family::Netfilter)?;
    let mut change = Transaction::begin();
    element::remove(&socket, &mut change, slot)?;
    element::add(&mut change, slot, contract);
    change.commit(&socket)
}

/// Removes every entry of the slot.
pub(crate) fn expel(slot: Slot) -> Result<(), Fault> {
    let socket = Socket::open(Family::Netfilter)?;
    let mut change = Transaction::begin();
    element::remove(&socket, &mut change, slot)?;
    change.commit(&socket)
}

fn chains(uplink: &str, listen: u16) -> Vec<(Chain, Vec<Rule>)> {
    let raw = Chain::filter("raw", Hook::Prerouting, -300);
    let publish = Chain::nat("publish", Hook::Prerouting, -100);
    let forward = Chain::filter("forward", Hook::Forward, 0).dropping();
    let input = Chain::filter("input", Hook::Input, 0);
    let leave = Chain::nat("leave", Hook::Postrouting, 100);
    vec![
        (
            raw,
            vec![Rule::new("spoofed").entering_by_link().no_way_back().drop()],
        ),
        (
            publish,
            vec![
                Rule::new("publish")
                    .entering_by(uplink)
                    .for_the_box()
                    .translate(),
            ],
        ),
        (
            forward,
            vec![
                Rule::new("answers")
                    .entering_by(uplink)
                    .leaving_by_link()
                    .established()
                    .accept(),
                Rule::new("published")
                    .entering_by(uplink)
                    .leaving_by_link()
                    .translated()
                    .accept(),
                Rule::new("served")
                    .entering_by_link()
                    .leaving_by(uplink)
                    .translated()
                    .accept(),
                Rule::new("wan")
                    .entering_by_link()
                    .leaving_by(uplink)
                    .allowed()
                    .accept(),
            ],
        ),
        (
            input,
            vec![
                Rule::new("established").established().accept(),
                Rule::new("loopback").entering_by("lo").accept(),
                Rule::new("links").entering_by_link().drop(),
                Rule::new("management")
                    .entering_by(uplink)
                    .tcp_port(listen)
                    .accept(),
                Rule::new("echo")
                    .entering_by(uplink)
                    .echo_request()
                    .accept(),
                Rule::new("rest").entering_by(uplink).drop(),
            ],
        ),
        (
            leave,
            vec![
                Rule::new("leave")
                    .of_a_vgw()
                    .leaving_by(uplink)
                    .masquerade(),
            ],
        ),
    ]
}
