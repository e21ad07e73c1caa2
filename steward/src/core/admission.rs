//! Does a contract fit the box?
//!
//! What contracts promise is added up, running or not: a provider that is stopped today may start
//! tomorrow. Memory, processor and disk are never promised twice. A refusal names the resource,
//! the numbers and the remedy. Order: the contract in itself, then against the box, then against
//! the other contracts.

use limen_proto::contract::{Contract, Protocol};
use limen_proto::id::Slot;
use limen_proto::manage::Refusal;
use limen_proto::name::Name;

use super::desired::{Desired, VgwRecord};
use super::quantity::bytes;
use super::refusal::not_admitted;
use super::sound::{port_name, same_port, sound};
use super::turn::Capacity;
use super::unapplied;

/// Memory that the kernel and the core programs keep for themselves: four times what the idle core
/// is measured to use, so that an upload or a burst of sessions never meets the providers' share.
pub const CORE_MEMORY: u64 = 64 << 20;
/// Disk that stays free for the steward's state and the file system's own needs.
pub const CORE_DISK: u64 = 16 << 20;
/// Files that stay free for the core.
pub const CORE_INODES: u64 = 256;

/// What the image fixes: facts of the box that are not measured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fixtures {
    /// Device classes of the table of core units.
    pub devices: Vec<Name>,
    /// TCP ports of the box that core units listen on.
    pub listening: Vec<u16>,
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
    sound(contract)?;
    unapplied::of_contract(contract)?;
    let others: Vec<&VgwRecord> = desired
        .vgws
        .values()
        .filter(|vgw| vgw.slot != slot)
        .collect();
    fits(contract, &others, capacity)?;
    ports(contract, &others, fixtures)?;
    devices(contract, &others, fixtures)
}

/// One resource of the box: what there is for contracts, and what the others have of it.
struct Resource {
    what: &'static str,
    knob: &'static str,
    asked: u64,
    promised: u64,
    total: u64,
    show: fn(u64) -> String,
}

impl Resource {
    fn check(&self) -> Result<(), Refusal> {
        let left = self.total.saturating_sub(self.promised);
        if self.asked <= left {
            return Ok(());
        }
        let show = self.show;
        let remedy = if self.asked > self.total {
            format!("ask for at most {}", show(self.total))
        } else {
            format!(
                "ask for at most {}, or lower or remove another contract",
                show(left)
            )
        };
        Err(not_admitted(format!(
            "the contract asks for {} of {}; this box has {} for contracts and {} are promised already: {remedy} ({})",
            show(self.asked),
            self.what,
            show(self.total),
            show(self.promised),
            self.knob,
        )))
    }
}

fn fits(contract: &Contract, others: &[&VgwRecord], capacity: Capacity) -> Result<(), Refusal> {
    let sum = |value: fn(&Contract) -> u64| -> u64 {
        others
            .iter()
            .map(|vgw| value(&vgw.contract))
            .fold(0, u64::saturating_add)
    };
    let resources = [
        Resource {
            what: "memory",
            knob: "limits.memory",
            asked: contract.limits.memory,
            promised: sum(|contract| contract.limits.memory),
            total: capacity.memory.saturating_sub(CORE_MEMORY),
            show: bytes,
        },
        Resource {
            what: "processor time",
            knob: "limits.cpu-percent",
            asked: u64::from(contract.limits.cpu_percent),
            promised: sum(|contract| u64::from(contract.limits.cpu_percent)),
            total: u64::from(capacity.cores) * 100,
            show: |percent| format!("{percent} % of a core"),
        },
        Resource {
            what: "disk",
            knob: "disk",
            asked: contract.disk,
            promised: sum(|contract| contract.disk),
            total: capacity.disk.saturating_sub(CORE_DISK),
            show: bytes,
        },
        Resource {
            what: "files on disk",
            knob: "inodes",
            asked: u64::from(contract.inodes),
            promised: sum(|contract| u64::from(contract.inodes)),
            total: capacity.inodes.saturating_sub(CORE_INODES),
            show: |files| format!("{files} files"),
        },
    ];
    resources.iter().try_for_each(Resource::check)
}

fn ports(contract: &Contract, others: &[&VgwRecord], fixtures: &Fixtures) -> Result<(), Refusal> {
    for publish in &contract.publish {
        if publish.protocol == Protocol::Tcp && fixtures.listening.contains(&publish.outside) {
            return Err(not_admitted(format!(
                "{} of the box belongs to the core; publish another outside port",
                port_name(publish)
            )));
        }
        let holder = others.iter().find(|vgw| {
            vgw.contract
                .publish
                .iter()
                .any(|held| same_port(held, publish))
        });
        if let Some(vgw) = holder {
            return Err(not_admitted(format!(
                "{} of the box is published for provider {}; publish another outside port",
                port_name(publish),
                vgw.provider
            )));
        }
    }
    Ok(())
}

fn devices(contract: &Contract, others: &[&VgwRecord], fixtures: &Fixtures) -> Result<(), Refusal> {
    for class in &contract.devices {
        if !fixtures.devices.contains(class) {
            let known: Vec<&str> = fixtures.devices.iter().map(Name::as_str).collect();
            let known = if known.is_empty() {
                "it has none".to_owned()
            } else {
                format!("it has {}", known.join(", "))
            };
            return Err(not_admitted(format!(
                "this box has no device class {class}; {known}"
            )));
        }
        // A serial line has one reader: two would tear each other's telegrams apart.
        let holder = others
            .iter()
            .find(|vgw| vgw.contract.devices.contains(class));
        if let Some(vgw) = holder {
            return Err(not_admitted(format!(
                "device class {class} is promised to provider {}; take it out of that contract first",
                vgw.provider
            )));
        }
    }
    Ok(())
}
