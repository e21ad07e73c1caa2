//! Does a contract fit the box?
//!
//! What contracts guarantee is added up, running or not: a provider that is stopped today may start
//! tomorrow. The sum never exceeds the box less a reserve for the core; limits may. Of disk,
//! bandwidth and connections the limit is what is guaranteed. A refusal names the resource, the
//! numbers and the remedy. Order: the contract in itself, then against the box, then against the
//! other contracts. Pure: asking changes nothing, so `plan` asks the same questions and tells all
//! answers.

mod claims;
mod plan;
mod processor;
mod resource;

use limen_proto::contract::Contract;
use limen_proto::id::Slot;
use limen_proto::manage::{Plan, Refusal};
use limen_proto::name::Name;

pub(super) use resource::{all_programs, programs};

use super::desired::{Desired, VgwRecord};
use super::sound::sound;
use super::turn::Capacity;

/// Disk that stays free for the steward's state and the file system's own needs.
pub const CORE_DISK: u64 = 16 << 20;
/// Files that stay free for the core.
pub const CORE_INODES: u64 = 256;
/// Tracked connections that stay free for the box itself: management, DHCP, time.
pub const CORE_CONNECTIONS: u64 = 1024;

/// What the image fixes: facts of the box that are not measured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fixtures {
    /// Device classes of the table of core units.
    pub devices: Vec<Name>,
    /// TCP ports of the box that core units listen on.
    pub listening: Vec<u16>,
    /// What the uplink carries from the box, bits a second; 0 is not declared, and nothing is
    /// promised of it.
    pub upload: u64,
    /// What it carries to the box.
    pub download: u64,
    /// Connections that the box tracks; 0 is not declared.
    pub connections: u32,
}

/// A contract that is compared with the box.
pub(super) struct Question<'a> {
    contract: &'a Contract,
    slot: Slot,
    others: Vec<&'a VgwRecord>,
    desired: &'a Desired,
    capacity: Capacity,
    fixtures: &'a Fixtures,
}

/// Decides whether `contract` may stand for `slot` beside all others.
///
/// # Errors
/// `Invalid` when the contract contradicts itself, `NotAdmitted` when the box is too small.
pub fn admit(
    contract: &Contract,
    slot: Slot,
    desired: &Desired,
    capacity: Capacity,
    fixtures: &Fixtures,
) -> Result<(), Refusal> {
    let question = Question::new(contract, slot, desired, capacity, fixtures);
    question.obstacles().next().map_or(Ok(()), Err)
}

/// Tells what `contract` would come to, without deciding anything.
pub fn plan(
    contract: &Contract,
    slot: Slot,
    desired: &Desired,
    capacity: Capacity,
    fixtures: &Fixtures,
) -> Plan {
    plan::of(&Question::new(contract, slot, desired, capacity, fixtures))
}

impl<'a> Question<'a> {
    fn new(
        contract: &'a Contract,
        slot: Slot,
        desired: &'a Desired,
        capacity: Capacity,
        fixtures: &'a Fixtures,
    ) -> Self {
        let others = desired.vgws.values().filter(|vgw| vgw.slot != slot);
        Self {
            contract,
            slot,
            others: others.collect(),
            desired,
            capacity,
            fixtures,
        }
    }

    /// Everything that stands against it, in the order in which it is told.
    fn obstacles(&self) -> impl Iterator<Item = Refusal> {
        let own = [sound(self.contract)];
        let resources = resource::all(self);
        let sums = resources.into_iter().map(|resource| resource.check());
        own.into_iter()
            .chain(sums)
            .chain([processor::check(self)])
            .chain([claims::ports(self), claims::devices(self)])
            .filter_map(Result::err)
    }
}
