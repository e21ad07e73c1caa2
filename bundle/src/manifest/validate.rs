//! From words to values: each rule of the manifest, once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use limen_proto::contract::{LEAST_DESCRIPTORS, MOST_DESCRIPTORS, ORDINARY_DESCRIPTORS, Protocol};
use limen_proto::limits::{DEVICES, PATH, VOLUMES};
use limen_proto::spec::Readiness;
use limen_proto::words::Words;

use super::{
    Architecture, Export, Import, InterfaceVersion, Limits, Manifest, ManifestError, Port, Restart,
    Run, Tree, Volume, raw,
};
use crate::digest;
use crate::limits;
use crate::path::{self, EntryPath};

type Result<T> = std::result::Result<T, ManifestError>;

/// Environment names that the gateway itself sets.
const RESERVED: [&str; 4] = ["LIMEN_", "NOTIFY_", "LISTEN_", "WATCHDOG_"];

pub(super) fn validate(raw: raw::Raw) -> Result<Manifest> {
    let version = semver::Version::parse(&raw.version).map_err(|error| {
        ManifestError::value(
            "version",
            format!("is not a semantic version ({error}); write for example \"1.0.0\""),
        )
    })?;
    if raw.counter > i64::MAX as u64 {
        return Err(ManifestError::value("counter", "is above 2^63-1"));
    }
    text("description", &raw.description, limits::DESCRIPTION_BYTES)?;
    Ok(Manifest {
        name: parse("name", &raw.name)?,
        version,
        provider: parse("provider", &raw.provider)?,
        counter: raw.counter,
        description: raw.description,
        run: run(raw.run)?,
        restart: restart(&raw.restart)?,
        limits: limits_of(&raw.limits)?,
        volumes: volumes(&raw.volumes)?,
        devices: list("devices", &raw.devices, DEVICES, |key, device| {
            parse(&format!("{key}.class"), &device.class)
        })
        .and_then(|devices| unique("devices.class", devices, Clone::clone))?,
        ports: ports(&raw.ports)?,
        exports: exports(&raw.exports)?,
        imports: imports(&raw.imports)?,
        architectures: architectures(&raw.architectures)?,
    })
}

fn run(raw: raw::Run) -> Result<Run> {
    let program = raw.command.first().ok_or_else(|| {
        ManifestError::value(
            "run.command",
            "is empty; name the program, absolute inside the bundle",
        )
    })?;
    let inside = program
        .strip_prefix('/')
        .filter(|path| EntryPath::new(path.as_bytes()).is_ok());
    if inside.is_none() {
        return Err(ManifestError::value(
            "run.command",
            "must begin with the program's absolute path inside the bundle, for example \"/bin/server\"",
        ));
    }
    words("run.command", raw.command.iter().cloned())?;
    for name in raw.environment.keys() {
        environment_name(
            &format!("run.environment.{}", crate::quote::quoted(name)),
            name,
        )?;
    }
    words(
        "run.environment",
        raw.environment
            .iter()
            .map(|(name, value)| format!("{name}={value}")),
    )?;
    Ok(Run {
        directory: directory(raw.directory)?,
        readiness: match raw.readiness.as_str() {
            "exec" => Readiness::Exec,
            "notify" => Readiness::Notify,
            _ => {
                return Err(ManifestError::value(
                    "run.readiness",
                    "is \"exec\" or \"notify\"",
                ));
            }
        },
        ready_within: range(
            "run.ready-within-seconds",
            raw.ready_within_seconds,
            1..=600,
        )?,
        stop_within: range("run.stop-within-seconds", raw.stop_within_seconds, 1..=120)?,
        user: raw.user.map(|user| parse("run.user", &user)).transpose()?,
        jit: raw.jit,
        spare: raw.spare,
        command: raw.command,
        environment: raw.environment,
    })
}

fn directory(text: String) -> Result<String> {
    let plain = text
        .strip_prefix('/')
        .is_some_and(|inside| inside.is_empty() || EntryPath::new(inside.as_bytes()).is_ok());
    if plain && text.len() <= PATH {
        return Ok(text);
    }
    let rule = format!(
        "must be an absolute path of at most {PATH} bytes in its plain form, for example \"/srv\""
    );
    Err(ManifestError::value("run.directory", rule))
}

fn environment_name(key: &str, name: &str) -> Result<()> {
    let shaped = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !shaped || name.len() > 128 {
        return Err(ManifestError::value(
            key,
            "is not a variable's name; use letters, digits and _",
        ));
    }
    if RESERVED.iter().any(|prefix| name.starts_with(prefix)) {
        return Err(ManifestError::value(
            key,
            "is set by the gateway; choose another name",
        ));
    }
    Ok(())
}

fn restart(raw: &raw::Restart) -> Result<Restart> {
    let restart = Restart {
        enable: raw.enable,
        minimum_wait: range(
            "restart.minimum-wait-seconds",
            raw.minimum_wait_seconds,
            1..=3600,
        )?,
        maximum_wait: range(
            "restart.maximum-wait-seconds",
            raw.maximum_wait_seconds,
            1..=86_400,
        )?,
        multiplier: range("restart.multiplier", raw.multiplier, 1000..=65_535)?,
        reset: range("restart.reset-seconds", raw.reset_seconds, 1..=86_400)?,
        retries: range("restart.retries", raw.retries, 0..=65_535)?,
    };
    if restart.minimum_wait > restart.maximum_wait {
        return Err(ManifestError::value(
            "restart.maximum-wait-seconds",
            "is below the minimum wait",
        ));
    }
    Ok(restart)
}

fn limits_of(raw: &raw::Limits) -> Result<Limits> {
    let amount =
        |key: &str, text: &Option<String>| text.as_deref().map(|text| parse(key, text)).transpose();
    let limits = Limits {
        memory: parse("limits.memory", &raw.memory)?,
        processes: range("limits.processes", raw.processes, 1..=4096)?,
        temporary: parse("limits.temporary", &raw.temporary)?,
        cpu_percent: raw
            .cpu_percent
            .map(|percent| range("limits.cpu-percent", percent, 1..=1600))
            .transpose()?,
        cpu_burst_ms: raw.cpu_burst_ms,
        memory_high: amount("limits.memory-high", &raw.memory_high)?,
        descriptors: raw
            .descriptors
            .map_or(Ok(ORDINARY_DESCRIPTORS), |descriptors| {
                range(
                    "limits.descriptors",
                    descriptors,
                    LEAST_DESCRIPTORS..=MOST_DESCRIPTORS,
                )
            })?,
        read_rate: amount("limits.read-rate", &raw.read_rate)?,
        write_rate: amount("limits.write-rate", &raw.write_rate)?,
    };
    // The kernel takes no more than one window's time, and its window is 100 ms: as many
    // milliseconds as percent.
    let window = limits.cpu_percent.unwrap_or(0);
    if limits.cpu_burst_ms > window {
        let problem = match window {
            0 => {
                "needs limits.cpu-percent: without a ceiling there is nothing to save up".to_owned()
            }
            most => format!(
                "is {}; with limits.cpu-percent {most} it is at most {most}",
                limits.cpu_burst_ms
            ),
        };
        return Err(ManifestError::value("limits.cpu-burst-ms", problem));
    }
    if limits.memory_high.is_some_and(|high| high > limits.memory) {
        return Err(ManifestError::value(
            "limits.memory-high",
            "is above limits.memory; it is where slowing down begins, so below",
        ));
    }
    Ok(limits)
}

fn volumes(raw: &[raw::Volume]) -> Result<Vec<Volume>> {
    let volumes = list("volumes", raw, VOLUMES, |key, volume| {
        if volume.path.len() > PATH {
            return Err(ManifestError::value(
                format!("{key}.path"),
                "is longer than 96 bytes",
            ));
        }
        path::of_volume(&volume.path)
            .map_err(|error| ManifestError::value(format!("{key}.path"), error.to_string()))?;
        Ok(Volume {
            name: parse(&format!("{key}.name"), &volume.name)?,
            path: volume.path.clone(),
            size: parse(&format!("{key}.size"), &volume.size)?,
        })
    })?;
    for outer in &volumes {
        let below = |inner: &&Volume| {
            inner
                .path
                .strip_prefix(&outer.path)
                .is_some_and(|rest| rest.starts_with('/'))
        };
        if let Some(inner) = volumes.iter().find(below) {
            let problem = format!(
                "{} lies inside {}; volumes lie side by side",
                inner.path, outer.path
            );
            return Err(ManifestError::value("volumes.path", problem));
        }
    }
    let volumes = unique("volumes.path", volumes, |volume| volume.path.clone())?;
    unique("volumes.name", volumes, |volume| volume.name.clone())
}

fn ports(raw: &[raw::Port]) -> Result<Vec<Port>> {
    let ports = list("ports", raw, limits::LIST, |key, port| {
        let protocol = match port.protocol.as_str() {
            "tcp" => Protocol::Tcp,
            "udp" => Protocol::Udp,
            _ => {
                return Err(ManifestError::value(
                    format!("{key}.protocol"),
                    "is \"tcp\" or \"udp\"",
                ));
            }
        };
        if port.inside == 0 {
            return Err(ManifestError::value(
                format!("{key}.inside"),
                "is a port from 1 to 65535",
            ));
        }
        Ok(Port {
            name: parse(&format!("{key}.name"), &port.name)?,
            protocol,
            inside: port.inside,
        })
    })?;
    let ports = unique("ports.inside", ports, |port| {
        (port.inside, port.protocol == Protocol::Tcp)
    })?;
    unique("ports.name", ports, |port| port.name.clone())
}

fn exports(raw: &[raw::Export]) -> Result<Vec<Export>> {
    let exports = list("exports", raw, limits::LIST, |key, export| {
        let to = list(
            &format!("{key}.to"),
            &export.to,
            limits::LIST,
            |key, provider| parse(key, provider),
        )?;
        Ok(Export {
            interface: parse(&format!("{key}.interface"), &export.interface)?,
            version: interface_version(&format!("{key}.version"), &export.version)?,
            to: unique(&format!("{key}.to"), to, Clone::clone)?,
        })
    })?;
    unique("exports.interface", exports, |export| {
        export.interface.clone()
    })
}

fn imports(raw: &[raw::Import]) -> Result<Vec<Import>> {
    let imports = list("imports", raw, limits::LIST, |key, import| {
        Ok(Import {
            interface: parse(&format!("{key}.interface"), &import.interface)?,
            version: interface_version(&format!("{key}.version"), &import.version)?,
        })
    })?;
    unique("imports.interface", imports, |import| {
        import.interface.clone()
    })
}

fn architectures(raw: &BTreeMap<String, raw::Tree>) -> Result<BTreeMap<Architecture, Tree>> {
    raw.iter()
        .map(|(name, tree)| {
            let architecture: Architecture = parse("architectures", name)?;
            let key = |field: &str| format!("architectures.{architecture}.{field}");
            let unpacked = tree.unpacked_size;
            if unpacked > limits::UNPACKED_BYTES {
                return Err(ManifestError::value(
                    key("unpacked-size"),
                    "is above 4 GiB; no bundle may unpack to more",
                ));
            }
            let tree = Tree {
                index: digest::parse(&tree.index).map_err(|error| {
                    ManifestError::value(key("index"), format!("is wrong: {error}"))
                })?,
                index_size: range(&key("index-size"), tree.index_size, 1..=limits::INDEX_BYTES)?,
                unpacked_size: unpacked,
                entries: range(&key("entries"), tree.entries, 0..=limits::ENTRIES)?,
            };
            Ok((architecture, tree))
        })
        .collect()
}

fn interface_version(key: &str, text: &str) -> Result<InterfaceVersion> {
    let number = |digits: &str| {
        let canonical = digits == "0" || !digits.starts_with(['0', '+']);
        digits.parse::<u16>().ok().filter(|_| canonical)
    };
    text.split_once('.')
        .and_then(|(major, minor)| {
            Some(InterfaceVersion {
                major: number(major)?,
                minor: number(minor)?,
            })
        })
        .ok_or_else(|| ManifestError::value(key, "is two numbers, for example \"1.0\""))
}

fn parse<T: FromStr<Err: Display>>(key: &str, text: &str) -> Result<T> {
    text.parse()
        .map_err(|error: T::Err| ManifestError::value(key, format!("is wrong: {error}")))
}

/// What the box hands to execve(2) has one bound for all words together.
fn words(key: &str, mut words: impl Iterator<Item = String>) -> Result<()> {
    let mut list = Words::new();
    words
        .try_for_each(|word| list.push(&word))
        .map_err(|error| ManifestError::value(key, format!("is wrong: {error}")))
}

fn text(key: &str, text: &str, longest: usize) -> Result<()> {
    if text.len() > longest {
        return Err(ManifestError::value(
            key,
            format!("is longer than {longest} bytes"),
        ));
    }
    if text
        .chars()
        .any(|c| c.is_control() && c != '\n' && c != '\t')
    {
        return Err(ManifestError::value(key, "has control characters"));
    }
    Ok(())
}

fn range(key: &str, value: u32, allowed: RangeInclusive<u32>) -> Result<u32> {
    if allowed.contains(&value) {
        return Ok(value);
    }
    let (least, most) = allowed.into_inner();
    Err(ManifestError::value(
        key,
        format!("is {value}, outside of {least} to {most}"),
    ))
}

/// Validates each element under its own key, `ports[2]`, and bounds their number.
fn list<R, T>(
    key: &str,
    raw: &[R],
    most: usize,
    validate: impl Fn(&str, &R) -> Result<T>,
) -> Result<Vec<T>> {
    if raw.len() > most {
        return Err(ManifestError::value(
            key,
            format!("has more than {most} entries"),
        ));
    }
    raw.iter()
        .enumerate()
        .map(|(position, element)| validate(&format!("{key}[{position}]"), element))
        .collect()
}

fn unique<T, K: Ord>(key: &str, list: Vec<T>, of: impl Fn(&T) -> K) -> Result<Vec<T>> {
    let different: BTreeSet<K> = list.iter().map(of).collect();
    if different.len() == list.len() {
        return Ok(list);
    }
    Err(ManifestError::value(
        key,
        "is used twice; each must be different",
    ))
}
