//! Resources that add up: memory, disk, files, bandwidth, connections, places for programs
//!
//! Each has a total (the box less the core's share), what the others were promised of it, and what
//! is asked. Processor time is shared by weights and stands in `processor`.

use limen_proto::contract::Contract;
use limen_proto::id::Slot;
use limen_proto::limits::{CORE_MEMORY, CORE_UNITS, HANDS, UNITS};
use limen_proto::manage::Refusal;

use super::{CORE_CONNECTIONS, CORE_DISK, CORE_INODES, Question};
use crate::core::desired::{Desired, VgwRecord};
use crate::core::quantity::bytes;
use crate::core::refusal::not_admitted;

/// One resource of the box, as one contract meets it.
pub(super) struct Resource {
    pub(super) name: &'static str,
    pub(super) key: &'static str,
    pub(super) unit: &'static str,
    pub(super) asked: u64,
    /// Of each other virtual gateway, in their order.
    pub(super) promised: Vec<u64>,
    /// What there is for all contracts together.
    pub(super) total: u64,
    show: fn(u64) -> String,
    /// Why a contract must say how much it wants, when it must.
    unlimited: Option<&'static str>,
}

/// Every resource that is promised on this box.
pub(super) fn all(question: &Question<'_>) -> Vec<Resource> {
    let (capacity, fixtures) = (question.capacity, question.fixtures);
    let mut list = vec![
        ceiling_of_memory(question),
        of(
            question,
            "memory",
            "guarantees.memory",
            "bytes",
            |contract| contract.guarantees.memory,
        )
        .within(capacity.memory.saturating_sub(CORE_MEMORY), bytes),
        of(question, "disk", "disk", "bytes", |contract| contract.disk)
            .within(capacity.disk.saturating_sub(CORE_DISK), bytes),
        of(question, "files on disk", "inodes", "files", |contract| {
            contract.inodes.into()
        })
        .within(capacity.inodes.saturating_sub(CORE_INODES), plain),
    ];
    if fixtures.upload > 0 {
        list.push(uplink(question, "upload", fixtures.upload, |contract| {
            contract.upload.bits
        }));
    }
    if fixtures.download > 0 {
        list.push(uplink(
            question,
            "download",
            fixtures.download,
            |contract| contract.download.bits,
        ));
    }
    if fixtures.connections > 0 {
        let total = u64::from(fixtures.connections).saturating_sub(CORE_CONNECTIONS);
        let asked = |contract: &Contract| contract.connections.into();
        let resource = of(
            question,
            "tracked connections",
            "connections",
            "connections",
            asked,
        );
        list.push(resource.within(total, plain));
    }
    list.push(places(question));
    list
}

/// A limit may exceed what is guaranteed, but not the box: it would limit nothing.
fn ceiling_of_memory(question: &Question<'_>) -> Resource {
    let total = question.capacity.memory.saturating_sub(CORE_MEMORY);
    let resource = of(
        question,
        "memory at most",
        "limits.memory",
        "bytes",
        |contract| contract.limits.memory,
    );
    Resource {
        promised: Vec::new(),
        ..resource.within(total, bytes)
    }
}

/// A tenth of the uplink stays for the box: its management must be reached.
fn uplink(
    question: &Question<'_>,
    name: &'static str,
    declared: u64,
    bits: fn(&Contract) -> u64,
) -> Resource {
    let total = declared - declared.div_ceil(10);
    let resource = of(question, name, name, "bits a second", bits).within(total, bit_rate);
    Resource {
        unlimited: Some("the uplink is shared, so a contract without a limit would take it all"),
        ..resource
    }
}

/// init runs a bounded number of programs: a virtual gateway's reaper is one, each of its bundles
/// another, and every virtual gateway has room for one bundle whatever the others do.
fn places(question: &Question<'_>) -> Resource {
    let resource = of(
        question,
        "places for programs",
        "the number of bundles",
        "programs",
        |_| 0,
    );
    let promised = question
        .others
        .iter()
        .map(|vgw| programs(vgw.slot, question.desired));
    Resource {
        asked: programs(question.slot, question.desired),
        promised: promised.collect(),
        ..resource.within(all_programs(), plain)
    }
}

/// Programs that all virtual gateways together may have.
pub(in crate::core) fn all_programs() -> u64 {
    UNITS.saturating_sub(CORE_UNITS + HANDS) as u64
}

/// Programs that a virtual gateway has, or has room for.
pub(in crate::core) fn programs(slot: Slot, desired: &Desired) -> u64 {
    let bundles = desired.bundles_of(slot).count() as u64;
    1 + bundles.max(1)
}

fn of(
    question: &Question<'_>,
    name: &'static str,
    key: &'static str,
    unit: &'static str,
    asked: fn(&Contract) -> u64,
) -> Resource {
    let promised = |vgw: &&VgwRecord| asked(&vgw.contract);
    Resource {
        name,
        key,
        unit,
        asked: asked(question.contract),
        promised: question.others.iter().map(promised).collect(),
        total: 0,
        show: plain,
        unlimited: None,
    }
}

impl Resource {
    fn within(self, total: u64, show: fn(u64) -> String) -> Self {
        Self {
            total,
            show,
            ..self
        }
    }

    /// What the others have of it.
    pub(super) fn taken(&self) -> u64 {
        self.promised.iter().copied().fold(0, u64::saturating_add)
    }

    /// What is left for this contract.
    pub(super) fn left(&self) -> u64 {
        self.total.saturating_sub(self.taken())
    }

    pub(super) fn check(&self) -> Result<(), Refusal> {
        let (show, left) = (self.show, self.left());
        if let Some(why) = self.unlimited
            && self.asked == 0
        {
            return Err(not_admitted(format!(
                "the contract has no limit of {}, and {why}: ask for at most {} ({})",
                self.name,
                show(left),
                self.key
            )));
        }
        if self.asked <= left {
            return Ok(());
        }
        let remedy = if self.asked > self.total {
            format!("ask for at most {}", show(left))
        } else {
            format!(
                "ask for at most {}, or lower or remove another contract",
                show(left)
            )
        };
        Err(not_admitted(format!(
            "the contract asks for {} of {}; this box has {} for contracts and {} are promised already: {remedy} ({})",
            show(self.asked),
            self.name,
            show(self.total),
            show(self.taken()),
            self.key,
        )))
    }
}

fn plain(count: u64) -> String {
    count.to_string()
}

fn bit_rate(bits: u64) -> String {
    match bits {
        some if some >= 1_000_000 && some.is_multiple_of(1_000_000) => {
            format!("{} Mbit/s", some / 1_000_000)
        }
        some if some >= 1_000 && some.is_multiple_of(1_000) => format!("{} kbit/s", some / 1_000),
        some => format!("{some} bit/s"),
    }
}
