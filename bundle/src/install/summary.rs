//! What the steward is told of a signed manifest.

use limen_proto::contract::Limits;
use limen_proto::install::{Summary, VolumeWish};
use limen_proto::restart::RestartPolicy;

use crate::digest::Digest;
use crate::manifest::{self, Manifest, Restart, Tree};
use crate::size::Size;

/// Seconds to milliseconds; a manifest's longest time is a day.
fn milliseconds(seconds: u32) -> u32 {
    seconds.saturating_mul(1000)
}

/// A number that the manifest bounds below 65 536.
fn short(number: u32) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

fn policy(restart: &Restart) -> RestartPolicy {
    RestartPolicy {
        enable: restart.enable,
        minimum_wait_ms: milliseconds(restart.minimum_wait),
        maximum_wait_ms: milliseconds(restart.maximum_wait),
        multiplier: short(restart.multiplier),
        reset_ms: milliseconds(restart.reset),
        retries: short(restart.retries),
    }
}

/// The share of the contract, with what the manifest leaves open.
fn share(limits: &manifest::Limits) -> Limits {
    let rate = |rate: Option<Size>| rate.map_or(0, Size::bytes);
    Limits {
        cpu_percent: limits.cpu_percent.map_or(0, short),
        cpu_burst_ms: short(limits.cpu_burst_ms),
        memory: limits.memory.bytes(),
        memory_high: limits.memory_high.map_or(0, Size::bytes),
        processes: limits.processes,
        descriptors: limits.descriptors,
        read_rate: rate(limits.read_rate),
        write_rate: rate(limits.write_rate),
        ..Limits::ORDINARY
    }
}

/// The summary of `manifest`, of which `tree` is to be installed.
pub(super) fn summary(manifest: &Manifest, tree: &Tree, digest: Digest) -> Summary {
    let (run, limits) = (&manifest.run, &manifest.limits);
    Summary {
        digest,
        name: manifest.name.clone(),
        version: manifest.version.to_string(),
        counter: manifest.counter,
        description: manifest.description.clone(),
        command: run.command.clone(),
        environment: run
            .environment
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect(),
        directory: run.directory.clone(),
        readiness: run.readiness,
        ready_within_ms: milliseconds(run.ready_within),
        stop_within_ms: milliseconds(run.stop_within),
        restart: policy(&manifest.restart),
        user: run.user.clone(),
        jit: run.jit,
        spare: run.spare,
        limits: share(limits),
        temporary: limits.temporary.bytes(),
        volumes: manifest
            .volumes
            .iter()
            .map(|volume| VolumeWish {
                name: volume.name.clone(),
                path: volume.path.clone(),
                size: volume.size.bytes(),
            })
            .collect(),
        devices: manifest.devices.clone(),
        ports: manifest
            .ports
            .iter()
            .map(|port| (port.name.clone(), port.protocol, port.inside))
            .collect(),
        exports: manifest
            .exports
            .iter()
            .map(|export| (export.interface.clone(), export.to.clone()))
            .collect(),
        imports: manifest
            .imports
            .iter()
            .map(|import| import.interface.clone())
            .collect(),
        unpacked: tree.unpacked_size,
        entries: tree.entries,
    }
}
