//! Counters: what passed a link, what its shapers dropped, what was refused
//!
//! They begin at zero when a link is made, go up only, and end with it. Changing a contract resets none of them,
//! except that a shaper which is taken away and set again begins anew.

use std::os::fd::BorrowedFd;

use limen_proto::id::Slot;
use limen_proto::jail::Refused;

use crate::fault::Fault;
use crate::firewall;
use crate::link::{INNER_INDEX, index, name};
use crate::message::{ACK, Batch, find};
use crate::rtnetlink as rt;
use crate::socket::{Family, Socket};

/// `IFLA_STATS_LINK_64`.
const LINK_64: u16 = 1;
/// `TCA_STATS2` and in it `TCA_STATS_QUEUE`.
const SHAPER: u16 = 7;
const SHAPER_QUEUE: u16 = 3;

/// One direction, as the virtual gateway sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Bytes of frames, as the contract's rates count them.
    pub bytes: u64,
    /// Frames.
    pub packets: u64,
    /// Frames that the shaper dropped because its queue was full; none without a limit.
    pub dropped: u64,
}

/// Everything that is counted of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// What the virtual gateway sent, and the box got.
    pub sent: Traffic,
    /// What the box sent to it.
    pub received: Traffic,
    /// What was sent and refused, in packets.
    pub refused: Refused,
}

/// Reads them. What the inner shaper dropped is known inside only: without `inside`, the network
/// namespace, it stays 0.
pub(crate) fn read(slot: Slot, inside: Option<BorrowedFd<'_>>) -> Result<Counters, Fault> {
    let outer = Socket::open(Family::Route)?;
    let mut counters = passed(&outer, slot)?;
    counters.received.dropped = dropped(&outer, index(slot), &name(slot))?;
    if let Some(inside) = inside {
        let inner = Socket::open_inside(Family::Route, inside)?;
        counters.sent.dropped = dropped(&inner, INNER_INDEX, "the inner end")?;
    }
    counters.refused = firewall::refused(slot)?;
    Ok(counters)
}

fn passed(socket: &Socket, slot: Slot) -> Result<Counters, Fault> {
    let mut batch = Batch::default();
    let purpose = ("count", name(slot));
    let fixed = rt::statistics(index(slot));
    batch.push(purpose, (rt::GET_STATISTICS, ACK), &fixed, |_| {});
    let mut counters = Counters::default();
    socket.dump(&batch, |body| {
        let numbers = find(body.get(fixed.len()..).unwrap_or_default(), LINK_64);
        // `struct rtnl_link_stats64`: packets, then bytes, each first received, then sent by the box.
        let mut numbers = numbers.unwrap_or_default().chunks_exact(8).map(number);
        let mut next = || numbers.next().unwrap_or_default();
        counters.sent.packets = next();
        counters.received.packets = next();
        counters.sent.bytes = next();
        counters.received.bytes = next();
    })?;
    Ok(counters)
}

fn dropped(socket: &Socket, index: u32, object: &str) -> Result<u64, Fault> {
    let mut batch = Batch::default();
    let purpose = ("read the shaper of", object.to_owned());
    let fixed = rt::root_qdisc(index);
    batch.push(purpose, (rt::GET_QDISC, ACK), &fixed, |_| {});
    let mut dropped = 0;
    let read = socket.dump(&batch, |body| {
        // `struct gnet_stats_queue`: length, backlog, drops.
        let drops = find(body.get(fixed.len()..).unwrap_or_default(), SHAPER)
            .and_then(|shaper| find(shaper, SHAPER_QUEUE))
            .and_then(|queue| queue.get(8..)?.first_chunk::<4>());
        dropped = drops.map_or(0, |drops| u64::from(u32::from_ne_bytes(*drops)));
    });
    match read {
        // Nothing is shaped.
        Err(fault) if rt::NOT_SHAPED.contains(&fault.errno) => Ok(0),
        other => other.map(|()| dropped),
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes
        .first_chunk()
        .map_or(0, |bytes| u64::from_ne_bytes(*bytes))
}
