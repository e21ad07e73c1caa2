//! What the image and the boot say of the box, read once at the start

use std::panic::resume_unwind;
use std::path::Path;
use std::{fs, thread};

use limen_proto::feature::Feature;
use limen_proto::name::Name;
use limen_proto::table::{Role, Table};

use super::gauge::Places;
use crate::core::Facts;
use crate::core::admission::Fixtures;
use crate::core::desired::Identity;

/// `f_type` of tmpfs (linux/magic.h).
const TMPFS: u64 = 0x0102_1994;
/// The early stage's note that the data disk is not there; in the folder of notes.
const DATA_LOST: &str = "data-lost";

/// limen-jail's note of what the kernel lacks; in the folder of notes.
const KERNEL: &str = "kernel";

/// What was read.
#[derive(Debug)]
pub struct Read {
    /// For the core.
    pub facts: Facts,
    /// How often init wants to hear that the steward is alive, milliseconds; 0 is never.
    pub watchdog_ms: u32,
}

/// Reads the facts. What is missing is a warning.
pub fn read(places: &Places) -> Read {
    let facts = Facts {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        kernel: rustix::system::uname()
            .release()
            .to_string_lossy()
            .into_owned(),
        warnings: data(places),
        forker_counts: !places.cgroups.join("core/pids.events.local").exists(),
        ..Facts::default()
    };
    let mut read = Read {
        facts,
        watchdog_ms: 0,
    };
    // A thread of its own is gone then, with its stack: copies of the table lie on it, 250 KiB that the
    // steward would keep for ever.
    let known = thread::scope(|scope| scope.spawn(|| know(&places.table, &mut read)).join());
    match known {
        Ok(Ok(())) => {}
        Ok(Err(why)) => read.facts.warnings.push(why),
        Err(panic) => resume_unwind(panic),
    }
    read
}

/// What the table of core units says.
fn know(path: &Path, read: &mut Read) -> Result<(), String> {
    let table = table(path)?;
    let facts = &mut read.facts;
    facts.core_units = table.units.iter().map(|unit| unit.name.clone()).collect();
    facts.built = table.built;
    facts.fixtures = fixtures(&table);
    let own = table.units.iter().find(|unit| unit.role == Role::Steward);
    read.watchdog_ms = own.map_or(0, |unit| unit.watchdog_ms);
    Ok(())
}

/// Not inlined: what the table takes of the stack is given back.
#[inline(never)]
fn table(path: &Path) -> Result<Box<Table>, String> {
    let bytes = fs::read(path).map_err(|error| {
        format!("the table of core units is not readable ({error}): names of core units and device classes are unknown")
    })?;
    limen_proto::table::read(&bytes)
        .map(Box::new)
        .map_err(|error| format!("the table of core units is not of this version ({error})"))
}

fn fixtures(table: &Table) -> Fixtures {
    let listening = table.units.iter().map(|unit| unit.listen);
    Fixtures {
        devices: table
            .devices
            .iter()
            .map(|class| class.name.clone())
            .collect::<Vec<Name>>(),
        listening: listening.filter(|port| *port != 0).collect(),
        upload: table.upload,
        download: table.download,
        connections: table.connections,
    }
}

/// What the kernel lacks, as limen-jail noted it. A name of another version is passed over.
pub(super) fn lacks(places: &Places) -> Vec<Feature> {
    let note = fs::read_to_string(places.notes.join(KERNEL)).unwrap_or_default();
    note.lines().filter_map(|name| name.parse().ok()).collect()
}

fn data(places: &Places) -> Vec<String> {
    if let Ok(reason) = fs::read_to_string(places.notes.join(DATA_LOST)) {
        return vec![format!(
            "the data disk is lost, and what is changed now is gone with the power: {}",
            reason.trim()
        )];
    }
    let in_memory = rustix::fs::statfs(&places.state)
        .is_ok_and(|file_system| file_system.f_type as u64 == TMPFS);
    if in_memory {
        vec!["the state lies in memory, not on a disk, and is gone with the power".to_owned()]
    } else {
        Vec::new()
    }
}

/// The identity that lies ready for a box that has none.
pub(super) fn provision(folder: &Path) -> Option<Identity> {
    let text = |name: &str| fs::read_to_string(folder.join(name)).ok();
    Some(Identity {
        certificate: text("gateway.pem")?,
        key: text("gateway.key")?,
        operator: text("operator-ca.pem")?,
    })
}
