//! What a manifest asks for, key by key, and how two of them differ

use std::collections::{BTreeMap, BTreeSet};

use limen_proto::spec::Readiness;
use serde::Serialize;

use crate::manifest::Manifest;
use crate::size::Size;

/// A key whose value differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Change {
    /// The manifest's key; members of lists by their names.
    pub key: String,
    /// The old value; none if it was not there.
    pub old: Option<String>,
    /// The new value; none if it is not there.
    pub new: Option<String>,
    /// Which way.
    pub direction: Direction,
}

/// Which way a change goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// The new bundle may do or take more.
    More,
    /// It may do or take less.
    Less,
    /// Neither can be told.
    Other,
}

/// A value as it is shown, and what it means that it is there.
#[derive(Debug, PartialEq, Eq)]
struct Value {
    shown: String,
    meaning: Meaning,
}

/// What a value means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// To have it is more than not to have it.
    Asked,
    /// A greater one is more.
    Amount(u64),
    /// It gives nothing.
    Neutral,
}

/// What differs, in the order of the keys.
pub(super) fn compare(old: &Manifest, new: &Manifest) -> Vec<Change> {
    let (old, new) = (values(old), values(new));
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differing = keys
        .into_iter()
        .filter(|key| old.get(*key) != new.get(*key));
    differing
        .map(|key| change(key, old.get(key), new.get(key)))
        .collect()
}

fn change(key: &str, old: Option<&Value>, new: Option<&Value>) -> Change {
    let shown = |value: Option<&Value>| value.map(|value| value.shown.clone());
    let meaning = |value: Option<&Value>| value.map(|value| value.meaning);
    let direction = match (meaning(old), meaning(new)) {
        (None, Some(Meaning::Asked | Meaning::Amount(_))) => Direction::More,
        (Some(Meaning::Asked | Meaning::Amount(_)), None) => Direction::Less,
        (Some(Meaning::Amount(old)), Some(Meaning::Amount(new))) if new > old => Direction::More,
        (Some(Meaning::Amount(old)), Some(Meaning::Amount(new))) if new < old => Direction::Less,
        _ => Direction::Other,
    };
    Change {
        key: key.to_owned(),
        old: shown(old),
        new: shown(new),
        direction,
    }
}

/// Every key that says what the bundle may do or take, or what it does.
fn values(manifest: &Manifest) -> BTreeMap<String, Value> {
    let mut all = Values(BTreeMap::new());
    let (run, limits) = (&manifest.run, &manifest.limits);
    all.text("name", &manifest.name);
    all.text("provider", &manifest.provider);
    all.text("run.command", &run.command.join(" "));
    all.text("run.directory", &run.directory);
    for (name, value) in &run.environment {
        all.neutral(&format!("run.environment.{name}"), value);
    }
    all.text(
        "run.readiness",
        match run.readiness {
            Readiness::Exec => "exec",
            Readiness::Notify => "notify",
        },
    );
    all.text(
        "run.user",
        run.user
            .as_ref()
            .map_or("its own".to_owned(), ToString::to_string)
            .as_str(),
    );
    all.amount("run.jit", run.jit, u64::from(run.jit));
    all.amount("run.spare", run.spare, u64::from(run.spare));
    all.amount(
        "restart.enable",
        manifest.restart.enable,
        u64::from(manifest.restart.enable),
    );
    all.amount("limits.memory", limits.memory, limits.memory.bytes());
    all.amount(
        "limits.temporary",
        limits.temporary,
        limits.temporary.bytes(),
    );
    all.amount(
        "limits.processes",
        limits.processes,
        u64::from(limits.processes),
    );
    all.amount(
        "limits.descriptors",
        limits.descriptors,
        u64::from(limits.descriptors),
    );
    all.amount(
        "limits.cpu-burst-ms",
        limits.cpu_burst_ms,
        u64::from(limits.cpu_burst_ms),
    );
    all.ceiling("limits.cpu-percent", limits.cpu_percent, |percent| {
        u64::from(*percent)
    });
    all.ceiling("limits.memory-high", limits.memory_high, |size: &Size| {
        size.bytes()
    });
    all.ceiling("limits.read-rate", limits.read_rate, |size| size.bytes());
    all.ceiling("limits.write-rate", limits.write_rate, |size| size.bytes());
    for volume in &manifest.volumes {
        all.text(&format!("volumes.{}.path", volume.name), &volume.path);
        all.amount(
            &format!("volumes.{}.size", volume.name),
            volume.size,
            volume.size.bytes(),
        );
    }
    for device in &manifest.devices {
        all.text(&format!("devices.{device}"), "asked for");
    }
    for port in &manifest.ports {
        all.text(
            &format!("ports.{}", port.name),
            &format!("{:?} {}", port.protocol, port.inside).to_lowercase(),
        );
    }
    for export in &manifest.exports {
        let to: Vec<&str> = export
            .to
            .iter()
            .map(limen_proto::name::Name::as_str)
            .collect();
        let to = if to.is_empty() {
            "whoever is granted it".to_owned()
        } else {
            to.join(", ")
        };
        all.text(
            &format!("exports.{} {}", export.interface, export.version),
            &to,
        );
    }
    for import in &manifest.imports {
        all.text(
            &format!("imports.{} {}", import.interface, import.version),
            "used",
        );
    }
    all.0
}

struct Values(BTreeMap<String, Value>);

impl Values {
    fn put(&mut self, key: &str, shown: String, meaning: Meaning) {
        self.0.insert(key.to_owned(), Value { shown, meaning });
    }

    fn text(&mut self, key: &str, value: &(impl ToString + ?Sized)) {
        self.put(key, value.to_string(), Meaning::Asked);
    }

    fn neutral(&mut self, key: &str, value: &str) {
        self.put(key, value.to_owned(), Meaning::Neutral);
    }

    fn amount(&mut self, key: &str, value: impl ToString, weight: u64) {
        self.put(key, value.to_string(), Meaning::Amount(weight));
    }

    /// A ceiling of the bundle's own; without one there is only the contract's.
    fn ceiling<T: ToString>(&mut self, key: &str, value: Option<T>, weight: impl Fn(&T) -> u64) {
        match &value {
            Some(value) => self.put(key, value.to_string(), Meaning::Amount(weight(value))),
            None => self.put(key, "the contract's".to_owned(), Meaning::Amount(u64::MAX)),
        }
    }
}
