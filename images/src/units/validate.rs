//! What must hold of the tables, and the step from raw to the box's own form
//!
//! Every rule that keeps a core program within its authority and that can be checked without the box.
//! An error names the unit and the remedy.

use std::collections::BTreeSet;

use limen_proto::contract::{LEAST_DESCRIPTORS, Limits, MOST_DESCRIPTORS};
use limen_proto::name::Name;
use limen_proto::spec::Readiness;
use limen_proto::table::{Bind, CoreUnit, DeviceClass, Role, Table};
use limen_proto::words::Words;

use super::capability;
use super::raw;

/// Uids of core units: above what Debian gives to people's services, below the first slot's range.
const USERS: std::ops::RangeInclusive<u32> = 900..=999;

/// The first rule that a table breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct Invalid {
    place: String,
    problem: String,
}

impl Invalid {
    fn of(place: &str, problem: impl ToString) -> Self {
        Self {
            place: place.to_owned(),
            problem: problem.to_string(),
        }
    }
}

type Checked<T> = Result<T, Invalid>;

pub(super) fn table(units: &raw::Units, devices: &raw::Devices, built: u64) -> Checked<Table> {
    const PLACE: &str = "images/units.toml";
    unique(
        PLACE,
        "unit",
        units.units.iter().map(|unit| unit.name.clone()),
    )?;
    unique(
        PLACE,
        "user",
        units.units.iter().map(|unit| unit.user.to_string()),
    )?;
    let single = |unit: &&raw::Unit| unit.role != Role::Plain;
    unique(
        PLACE,
        "role",
        units
            .units
            .iter()
            .filter(single)
            .map(|unit| format!("{:?}", unit.role)),
    )?;
    if !units.watchdog.is_empty() {
        path(PLACE, &units.watchdog)?;
    }
    Ok(Table {
        units: collect(PLACE, "units", units.units.iter().map(core_unit))?,
        links: collect(PLACE, "links", units.links.iter().map(|of| link(of, units)))?,
        devices: self::devices(devices)?,
        uplink: name(PLACE, &units.uplink)?,
        upload: rate(PLACE, "uplink-upload", units.uplink_upload.as_deref())?,
        download: rate(PLACE, "uplink-download", units.uplink_download.as_deref())?,
        connections: units.connections,
        watchdog: text(PLACE, &units.watchdog)?,
        built,
    })
}

fn core_unit(unit: &raw::Unit) -> Checked<CoreUnit> {
    let place = format!("unit {}", unit.name);
    let refuse = |problem: &str| Err(Invalid::of(&place, problem));
    if !USERS.contains(&unit.user) {
        return refuse(
            "user must be between 900 and 999: ids below are people's and root's, ids above belong to slots",
        );
    }
    let Some(program) = unit.command.first() else {
        return refuse("command is empty");
    };
    path(&place, program)?;
    if unit
        .environment
        .iter()
        .any(|word| !word.contains('=') || word.starts_with('='))
    {
        return refuse("environment holds a word that is not NAME=value");
    }
    if unit.listen != 0 && unit.role != Role::Management {
        return refuse(
            "listen is for the role management: no other program of the core is reached from the network",
        );
    }
    if unit.role == Role::Management && !unit.capabilities.is_empty() {
        return refuse("what talks to the network has no privilege: remove the capabilities");
    }
    if unit.readiness == Readiness::Notify && unit.ready_within_seconds == 0 {
        return refuse("ready-within-seconds must be at least 1 when readiness is notify");
    }
    if unit.stop_within_seconds == 0 {
        return refuse(
            "stop-within-seconds must be at least 1: a program that stops in order needs time for it",
        );
    }
    Ok(CoreUnit {
        name: name(&place, &unit.name)?,
        role: unit.role,
        command: words(&place, &unit.command)?,
        environment: words(&place, &unit.environment)?,
        user: unit.user,
        capabilities: capabilities(&place, &unit.capabilities)?,
        network: unit.network,
        binds: collect(
            &place,
            "binds",
            unit.binds.iter().map(|of| bind(&place, of)),
        )?,
        limits: limits(&place, unit)?,
        restart: unit.restart.policy(),
        readiness: unit.readiness,
        ready_within_ms: milliseconds(&place, unit.ready_within_seconds)?,
        stop_within_ms: milliseconds(&place, unit.stop_within_seconds)?,
        watchdog_ms: milliseconds(&place, unit.watchdog_seconds)?,
        listen: unit.listen,
    })
}

fn limits(place: &str, unit: &raw::Unit) -> Checked<Limits> {
    let amount = |what: &str, value: &Option<String>| {
        value
            .as_deref()
            .map_or(Ok(0), |value| size(place, what, value))
    };
    let limits = Limits {
        cpu_percent: unit.cpu_percent,
        cpu_burst_ms: unit.cpu_burst_ms,
        cpu_weight: unit.cpu_weight,
        memory: size(place, "memory", &unit.memory)?,
        memory_high: amount("memory-high", &unit.memory_high)?,
        processes: unit.processes,
        descriptors: unit.descriptors,
        read_rate: amount("read-rate", &unit.read_rate)?,
        write_rate: amount("write-rate", &unit.write_rate)?,
    };
    let refuse = |problem: &str| Err(Invalid::of(place, problem));
    if limits.processes == 0 {
        return refuse("processes must be at least 1");
    }
    if !(1..=10_000).contains(&limits.cpu_weight) {
        return refuse("cpu-weight must be between 1 and 10000");
    }
    if limits.cpu_burst_ms > limits.cpu_percent {
        return refuse(
            "cpu-burst-ms must be at most cpu-percent: time of one window of 100 ms is saved up",
        );
    }
    if limits.memory_high > limits.memory {
        return refuse("memory-high must be at most memory");
    }
    if !(LEAST_DESCRIPTORS..=MOST_DESCRIPTORS).contains(&limits.descriptors) {
        return refuse("descriptors must be between 64 and 1048576");
    }
    Ok(limits)
}

fn capabilities(place: &str, granted: &[raw::Capability]) -> Checked<u64> {
    granted.iter().try_fold(0, |set, capability| {
        reason(place, &capability.reason)?;
        let number =
            capability::number(&capability.name).map_err(|refused| Invalid::of(place, refused))?;
        Ok(set | 1 << number)
    })
}

fn bind(place: &str, bind: &raw::Bind) -> Checked<Bind> {
    let to = bind.to.as_ref().unwrap_or(&bind.from);
    path(place, &bind.from)?;
    path(place, to)?;
    reason(place, &bind.reason)?;
    if bind.writable && bind.executable {
        return Err(Invalid::of(
            place,
            format!("{to} is writable and executable: nothing may be both"),
        ));
    }
    let writable_place = bind.from.starts_with("/data/") || bind.from.starts_with("/run/");
    if bind.writable && !writable_place {
        return Err(Invalid::of(
            place,
            format!(
                "{} is part of the read-only image: it cannot be writable",
                bind.from
            ),
        ));
    }
    if bind.executable && writable_place {
        return Err(Invalid::of(
            place,
            format!(
                "{} can be written: programs of the core come from the image only",
                bind.from
            ),
        ));
    }
    Ok(Bind {
        from: text(place, &bind.from)?,
        to: text(place, to)?,
        writable: bind.writable,
        executable: bind.executable,
    })
}

fn link(link: &raw::Link, units: &raw::Units) -> Checked<(Role, Role)> {
    let [one, other] = link.between;
    let place = format!("link {one:?}-{other:?}");
    reason(&place, &link.reason)?;
    if one == other || [one, other].contains(&Role::Plain) {
        return Err(Invalid::of(
            &place,
            "a link joins two different roles, neither of them plain",
        ));
    }
    for role in [one, other] {
        if !units.units.iter().any(|unit| unit.role == role) {
            return Err(Invalid::of(
                &place,
                format!("no unit has the role {role:?}"),
            ));
        }
    }
    Ok((one, other))
}

fn devices(devices: &raw::Devices) -> Checked<heapless::Vec<DeviceClass, 8>> {
    const PLACE: &str = "images/devices.toml";
    unique(
        PLACE,
        "class",
        devices.devices.iter().map(|device| device.class.clone()),
    )?;
    unique(
        PLACE,
        "node",
        devices.devices.iter().map(|device| device.node.clone()),
    )?;
    collect(PLACE, "devices", devices.devices.iter().map(device))
}

fn device(device: &raw::Device) -> Checked<DeviceClass> {
    let place = format!("device {}", device.class);
    reason(&place, &device.reason)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if device.node.is_empty() || !device.node.bytes().all(plain) {
        return Err(Invalid::of(
            &place,
            "node must be a file name of letters, digits, hyphens and underscores: it is made in the bundle's /dev",
        ));
    }
    // Memory, console, terminals of the box: /dev/mem (1), ptmx and console (5), disks' raw nodes (162).
    if [1, 5, 162].contains(&device.major) {
        return Err(Invalid::of(
            &place,
            format!("major number {} reaches the box itself", device.major),
        ));
    }
    if device.major == 0 {
        return Err(Invalid::of(&place, "major number 0 is no device"));
    }
    Ok(DeviceClass {
        name: name(&place, &device.class)?,
        node: text(&place, &device.node)?,
        major: device.major,
        minor: device.minor,
    })
}

fn unique(place: &str, what: &str, values: impl Iterator<Item = String>) -> Checked<()> {
    let mut seen = BTreeSet::new();
    for value in values {
        if !seen.insert(value.clone()) {
            return Err(Invalid::of(
                place,
                format!("{what} {value} stands there twice"),
            ));
        }
    }
    Ok(())
}

fn collect<T, const N: usize>(
    place: &str,
    what: &str,
    items: impl Iterator<Item = Checked<T>>,
) -> Checked<heapless::Vec<T, N>> {
    let mut list = heapless::Vec::new();
    for item in items {
        list.push(item?)
            .map_err(|_| Invalid::of(place, format!("more than {N} {what}")))?;
    }
    Ok(list)
}

fn name(place: &str, value: &str) -> Checked<Name> {
    value
        .parse()
        .map_err(|error| Invalid::of(place, format!("\"{value}\": {error}")))
}

fn text<const N: usize>(place: &str, value: &str) -> Checked<heapless::String<N>> {
    heapless::String::try_from(value)
        .map_err(|_| Invalid::of(place, format!("\"{value}\" is longer than {N} bytes")))
}

fn words(place: &str, values: &[String]) -> Checked<Words> {
    Words::collect(values.iter().map(String::as_str)).map_err(|error| Invalid::of(place, error))
}

fn path(place: &str, value: &str) -> Checked<()> {
    let sound = value.len() > 1
        && value.strip_prefix('/').is_some_and(|rest| {
            rest.split('/')
                .all(|part| !part.is_empty() && part != "." && part != "..")
        });
    if sound {
        Ok(())
    } else {
        Err(Invalid::of(
            place,
            format!("\"{value}\" is not an absolute path in its shortest form"),
        ))
    }
}

fn reason(place: &str, value: &str) -> Checked<()> {
    if value.trim().is_empty() {
        Err(Invalid::of(place, "a grant without a reason"))
    } else {
        Ok(())
    }
}

fn milliseconds(place: &str, seconds: u32) -> Checked<u32> {
    seconds
        .checked_mul(1000)
        .ok_or_else(|| Invalid::of(place, format!("{seconds} seconds are too many")))
}

fn rate(place: &str, what: &str, value: Option<&str>) -> Checked<u64> {
    let Some(value) = value else { return Ok(0) };
    let number = |unit: &str, factor: u64| {
        let digits = value.strip_suffix(unit)?;
        digits.parse::<u64>().ok()?.checked_mul(factor)
    };
    number("kbit", 1_000)
        .or_else(|| number("Mbit", 1_000_000))
        .or_else(|| number("Gbit", 1_000_000_000))
        .filter(|bits| *bits > 0)
        .ok_or_else(|| {
            Invalid::of(
                place,
                format!("{what} \"{value}\" is not a rate; write it like \"100Mbit\""),
            )
        })
}

fn size(place: &str, what: &str, value: &str) -> Checked<u64> {
    let number = |unit: &str, factor: u64| {
        value
            .strip_suffix(unit)?
            .parse::<u64>()
            .ok()?
            .checked_mul(factor)
    };
    number("KiB", 1 << 10)
        .or_else(|| number("MiB", 1 << 20))
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| {
            Invalid::of(
                place,
                format!("{what} \"{value}\" is not an amount; write it like \"16MiB\""),
            )
        })
}
