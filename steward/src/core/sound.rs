//! Is a contract sound in itself?
//!
//! Before a contract is compared with the box: no value is zero where zero means nothing, none is
//! beyond what the kernel takes, and no two contradict each other. A refusal begins with the key.

use limen_proto::contract::{
    Contract, Destination, Ipv4Network, LEAST_DESCRIPTORS, Limits, MOST_DESCRIPTORS, Protocol,
    Publish, Rate, Spent, Volume, Wan,
};
use limen_proto::manage::Refusal;

use super::quantity::bytes;
use super::refusal::invalid;

/// Least memory with which a reaper and one small program live.
pub const LEAST_MEMORY: u64 = 1 << 20;
/// The reaper, and one process of a bundle.
const LEAST_PROCESSES: u32 = 2;
/// The kernel's default count of processes on the whole box (`kernel.pid_max`).
const MOST_PROCESSES: u32 = 32_768;
/// Directories of an empty tree, with room for one small bundle.
const LEAST_DISK: u64 = 1 << 20;
const LEAST_INODES: u32 = 16;
/// Below this a single page takes longer than anybody waits.
const LEAST_DISK_RATE: u64 = 16 << 10;
/// Below this a full frame takes longer than a TCP connection waits for it.
const LEAST_BITS: u64 = 8_000;
/// Beyond any link of a gateway.
const MOST_BITS: u64 = 100_000_000_000;
/// Two full frames: a smaller bucket lets none through.
const LEAST_BURST: u32 = 3_200;
/// Half a second of a gigabit: more is no limit.
const MOST_BURST: u32 = 64 << 20;
/// What one small program with a name server needs.
const LEAST_CONNECTIONS: u32 = 16;

type Checked = Result<(), Refusal>;

/// # Errors
/// `Invalid`: the key, what is wrong with it, and what to write instead.
pub fn sound(contract: &Contract) -> Checked {
    processor(&contract.limits)?;
    memory(&contract.limits)?;
    tables(&contract.limits)?;
    guarantees(contract)?;
    disk(contract)?;
    rate("upload", contract.upload)?;
    rate("download", contract.download)?;
    volume(contract)?;
    reach(contract)?;
    publish(&contract.publish)?;
    once("devices", &contract.devices)?;
    minimum(contract)
}

fn processor(limits: &Limits) -> Checked {
    within(
        "limits.cpu-weight",
        limits.cpu_weight.into(),
        1,
        10_000,
        plain,
    )?;
    let (percent, burst) = (limits.cpu_percent, limits.cpu_burst_ms);
    if burst > 0 && percent == 0 {
        return Err(invalid(
            "limits.cpu-burst-ms needs limits.cpu-percent: without a ceiling there is nothing to save up",
        ));
    }
    // The kernel takes at most one window's time, and a window has 100 ms.
    most(
        "limits.cpu-burst-ms",
        burst.into(),
        percent.into(),
        "limits.cpu-percent",
        plain,
    )
}

fn memory(limits: &Limits) -> Checked {
    least("limits.memory", limits.memory, LEAST_MEMORY, bytes)?;
    if limits.memory_high == 0 {
        return Ok(());
    }
    least(
        "limits.memory-high",
        limits.memory_high,
        LEAST_MEMORY,
        bytes,
    )?;
    most(
        "limits.memory-high",
        limits.memory_high,
        limits.memory,
        "limits.memory",
        bytes,
    )
}

fn tables(limits: &Limits) -> Checked {
    let (least, most) = (LEAST_PROCESSES.into(), MOST_PROCESSES.into());
    within(
        "limits.processes",
        limits.processes.into(),
        least,
        most,
        plain,
    )?;
    let (least, most) = (LEAST_DESCRIPTORS.into(), MOST_DESCRIPTORS.into());
    within(
        "limits.descriptors",
        limits.descriptors.into(),
        least,
        most,
        plain,
    )
}

fn guarantees(contract: &Contract) -> Checked {
    let (limits, guaranteed) = (&contract.limits, &contract.guarantees);
    if limits.cpu_percent > 0 {
        let (asked, ceiling) = (guaranteed.cpu_percent.into(), limits.cpu_percent.into());
        most(
            "guarantees.cpu-percent",
            asked,
            ceiling,
            "limits.cpu-percent",
            plain,
        )?;
    }
    most(
        "guarantees.memory",
        guaranteed.memory,
        limits.memory,
        "limits.memory",
        bytes,
    )?;
    if limits.memory_high == 0 {
        return Ok(());
    }
    let (asked, ceiling) = (guaranteed.memory, limits.memory_high);
    most(
        "guarantees.memory",
        asked,
        ceiling,
        "limits.memory-high",
        bytes,
    )
}

fn disk(contract: &Contract) -> Checked {
    least("disk", contract.disk, LEAST_DISK, bytes)?;
    least("inodes", contract.inodes.into(), LEAST_INODES.into(), plain)?;
    for (key, rate) in [
        ("limits.read-rate", contract.limits.read_rate),
        ("limits.write-rate", contract.limits.write_rate),
    ] {
        if rate > 0 {
            least(key, rate, LEAST_DISK_RATE, bytes)?;
        }
    }
    Ok(())
}

fn rate(key: &str, rate: Rate) -> Checked {
    if !rate.is_limited() {
        return match rate.burst {
            0 => Ok(()),
            _ => Err(invalid(format!(
                "{key}.burst needs {key}.bits: without a limit nothing is held back"
            ))),
        };
    }
    within(
        &format!("{key}.bits"),
        rate.bits,
        LEAST_BITS,
        MOST_BITS,
        plain,
    )?;
    if rate.burst == 0 {
        return Ok(());
    }
    let (least, most) = (LEAST_BURST.into(), MOST_BURST.into());
    within(
        &format!("{key}.burst"),
        rate.burst.into(),
        least,
        most,
        bytes,
    )
}

fn volume(contract: &Contract) -> Checked {
    let Volume { bytes: _, then } = contract.volume;
    let Spent::Slow { bits } = then else {
        return Ok(());
    };
    if contract.volume.bytes == 0 {
        return Err(invalid(
            "volume.then needs volume.bytes: without a volume nothing is ever spent",
        ));
    }
    let key = "volume.then.slow.bits";
    within(key, bits, LEAST_BITS, MOST_BITS, plain)?;
    for (name, rate) in [("upload", contract.upload), ("download", contract.download)] {
        if rate.is_limited() {
            most(key, bits, rate.bits, name, plain)?;
        }
    }
    Ok(())
}

fn reach(contract: &Contract) -> Checked {
    let (least, count) = (LEAST_CONNECTIONS.into(), contract.connections.into());
    within("connections", count, least, u32::MAX.into(), plain)?;
    match (contract.wan, contract.destinations.is_empty()) {
        (Wan::Listed, true) => {
            return Err(invalid(
                "destinations is empty although wan is listed; list what may be reached, or write wan = none",
            ));
        }
        (Wan::None | Wan::All, false) => {
            return Err(invalid(
                "destinations are for wan = listed; write that, or leave them out",
            ));
        }
        (Wan::Listed, false) | (Wan::None | Wan::All, true) => {}
    }
    destinations("destinations", &contract.destinations)?;
    destinations("lan", &contract.lan)
}

fn destinations(key: &str, list: &[Destination]) -> Checked {
    for destination in list {
        if destination.port != 0 && destination.protocol.is_none() {
            return Err(invalid(format!(
                "{key}: port {} needs a protocol, tcp or udp",
                destination.port
            )));
        }
        if let Some((_, what)) = NEVER
            .iter()
            .find(|(network, _)| lies_in(destination.network, network))
        {
            return Err(invalid(format!(
                "{key}: {} {what}; take it out",
                destination.network
            )));
        }
    }
    once(key, list)
}

/// What no contract gives, and why.
const NEVER: &[(([u8; 4], u8), &str)] = &[
    (([127, 0, 0, 0], 8), "is a program's own machine"),
    (([224, 0, 0, 0], 4), "is no single destination"),
    (
        ([100, 96, 0, 0], 16),
        "belongs to the virtual gateways' own links",
    ),
];

fn lies_in(inner: Ipv4Network, (address, prefix): &([u8; 4], u8)) -> bool {
    Ipv4Network::new((*address).into(), *prefix)
        .is_ok_and(|outer| outer.contains(inner.first()) && inner.prefix() >= outer.prefix())
}

fn publish(list: &[Publish]) -> Checked {
    for (place, publish) in list.iter().enumerate() {
        if publish.outside == 0 || publish.inside == 0 {
            return Err(invalid("publish: port 0 cannot be published; name a port"));
        }
        let twice = |earlier: &Publish| same_port(earlier, publish);
        if list.iter().take(place).any(twice) {
            return Err(invalid(format!(
                "publish names {} twice; drop one",
                port_name(publish)
            )));
        }
    }
    Ok(())
}

/// Whether both claim one port of the box.
pub(super) fn same_port(left: &Publish, right: &Publish) -> bool {
    (left.protocol, left.outside) == (right.protocol, right.outside)
}

/// A port of the box, for people.
pub(super) fn port_name(publish: &Publish) -> String {
    let transport = match publish.protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
    };
    format!("{transport} port {}", publish.outside)
}

fn minimum(contract: &Contract) -> Checked {
    let shaped = contract.upload.is_limited() && contract.download.is_limited();
    if contract.minimum.shaped && !shaped {
        return Err(invalid(
            "minimum.shaped needs upload and download: without both nothing is shaped",
        ));
    }
    Ok(())
}

fn once<T: PartialEq + std::fmt::Debug>(key: &str, list: &[T]) -> Checked {
    for (place, one) in list.iter().enumerate() {
        if list.iter().take(place).any(|earlier| earlier == one) {
            return Err(invalid(format!("{key} names {one:?} twice; drop one")));
        }
    }
    Ok(())
}

fn plain(number: u64) -> String {
    number.to_string()
}

fn within(key: &str, value: u64, least: u64, most: u64, show: fn(u64) -> String) -> Checked {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(invalid(format!(
        "{key} is {}, outside of {} to {}",
        show(value),
        show(least),
        show(most)
    )))
}

fn least(key: &str, value: u64, least: u64, show: fn(u64) -> String) -> Checked {
    if value >= least {
        return Ok(());
    }
    Err(invalid(format!(
        "{key} is {}; a virtual gateway needs at least {}",
        show(value),
        show(least)
    )))
}

fn most(key: &str, value: u64, most: u64, of: &str, show: fn(u64) -> String) -> Checked {
    if value <= most {
        return Ok(());
    }
    Err(invalid(format!(
        "{key} is {}; with {of} {} it is at most that",
        show(value),
        show(most)
    )))
}
