//! From rows to the desired state
//!
//! Every value is checked again on its way in: a name is a name, a slot is a slot, a nested value
//! has its type. What does not fit is damage.

use std::collections::{BTreeMap, BTreeSet};

use limen_proto::account::{Counters, Era};
use limen_proto::id::{BundleIndex, Digest, Slot};
use limen_proto::month::Month;
use rusqlite::{Connection, Row};
use serde::de::DeserializeOwned;

use super::error::StateError;
use super::write::{held, phase};
use crate::core::accounts::{Account, Payer};
use crate::core::desired::{
    BundleRecord, Desired, GrantRecord, Held, Identity, Marks, Phase, Seen, VgwRecord,
};

/// Reads everything but the audit trail.
pub(super) fn load(from: &Connection) -> Result<Desired, StateError> {
    Ok(Desired {
        identity: all(from, "identity", identity)?.pop(),
        vgws: all(from, "vgw", vgw)?
            .into_iter()
            .map(|vgw| (vgw.slot, vgw))
            .collect(),
        bundles: all(from, "bundle", bundle)?
            .into_iter()
            .map(|bundle| ((bundle.slot, bundle.index), bundle))
            .collect(),
        seen: all(from, "seen", |row| {
            let seen = Seen {
                counter: unsigned(row, "counter")?,
                digest: digest(row)?,
            };
            Ok(((text(row, "provider")?, text(row, "bundle")?), seen))
        })?
        .into_iter()
        .collect::<BTreeMap<_, _>>(),
        grants: all(from, "permission", grant)?
            .into_iter()
            .map(|grant| (grant.id, grant))
            .collect(),
        leftovers: all(from, "leftover", |row| Ok((slot(row)?, digest(row)?)))?
            .into_iter()
            .collect::<BTreeSet<_>>(),
        marks: all(from, "marks", marks)?
            .pop()
            .ok_or_else(|| StateError::Damaged("it has no marks".to_owned()))?,
        accounts: all(from, "account", account)?.into_iter().collect(),
        months: all(from, "month", |row| {
            let key = (text(row, "payer")?, month(row)?);
            Ok((key, counters(row, "counted")?))
        })?
        .into_iter()
        .collect(),
    })
}

fn all<T>(
    from: &Connection,
    table: &str,
    read: impl Fn(&Row<'_>) -> Result<T, StateError>,
) -> Result<Vec<T>, StateError> {
    let mut statement = from.prepare(&format!("SELECT * FROM {table}"))?;
    let mut rows = statement.query([])?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        list.push(read(row)?);
    }
    Ok(list)
}

fn identity(row: &Row<'_>) -> Result<Identity, StateError> {
    Ok(Identity {
        certificate: row.get("certificate")?,
        key: row.get("key")?,
        operator: row.get("operator")?,
    })
}

fn vgw(row: &Row<'_>) -> Result<VgwRecord, StateError> {
    Ok(VgwRecord {
        slot: slot(row)?,
        provider: text(row, "provider")?,
        enabled: row.get("enabled")?,
        frozen: row.get("frozen")?,
        spent: row.get("spent")?,
        serial: unsigned(row, "serial")?,
        contract: json(row, "contract")?,
        adjust: row.get("adjust")?,
        phase: word(
            row,
            "phase",
            [Phase::Emptying, Phase::Standing, Phase::Removing],
            phase,
        )?,
        authority: row.get("authority")?,
        keys: json(row, "keys")?,
        created: unsigned(row, "created")?,
    })
}

fn bundle(row: &Row<'_>) -> Result<BundleRecord, StateError> {
    let index: u16 = row.get("place")?;
    let states = [
        Held::Installed,
        Held::RemovingFiles,
        Held::RemovingAll,
        Held::VolumesOnly,
    ];
    Ok(BundleRecord {
        slot: slot(row)?,
        index: BundleIndex::new(index).map_err(damaged)?,
        held: word(row, "held", states, held)?,
        enabled: row.get("enabled")?,
        serial: unsigned(row, "serial")?,
        volumes: row.get("volumes")?,
        summary: json(row, "summary")?,
        installed: unsigned(row, "installed")?,
    })
}

fn grant(row: &Row<'_>) -> Result<GrantRecord, StateError> {
    Ok(GrantRecord {
        id: unsigned(row, "id")?,
        exporter: text(row, "exporter")?,
        interface: text(row, "interface")?,
        consumer: text(row, "consumer")?,
        created: unsigned(row, "created")?,
    })
}

fn account(row: &Row<'_>) -> Result<(Payer, Account), StateError> {
    let account = Account {
        era: Era(unsigned(row, "era")?),
        seen: counters(row, "seen")?,
        total: counters(row, "total")?,
        month: month(row)?,
        counted: counters(row, "counted")?,
    };
    Ok((text(row, "payer")?, account))
}

fn month(row: &Row<'_>) -> Result<Month, StateError> {
    Ok(Month(row.get("month")?))
}

fn counters(row: &Row<'_>, column: &str) -> Result<Counters, StateError> {
    json(row, column).map(Counters::from_list)
}

fn marks(row: &Row<'_>) -> Result<Marks, StateError> {
    Ok(Marks {
        epoch: unsigned(row, "epoch")?,
        grant: unsigned(row, "permission")?,
        event: unsigned(row, "event")?,
        seen: unsigned(row, "seen")?,
    })
}

fn slot(row: &Row<'_>) -> Result<Slot, StateError> {
    let number: u16 = row.get("slot")?;
    Slot::new(number).map_err(damaged)
}

fn digest(row: &Row<'_>) -> Result<Digest, StateError> {
    Ok(Digest(row.get("digest")?))
}

fn unsigned(row: &Row<'_>, column: &str) -> Result<u64, StateError> {
    let number: i64 = row.get(column)?;
    Ok(number.cast_unsigned())
}

fn text<T: std::str::FromStr<Err: std::fmt::Display>>(
    row: &Row<'_>,
    column: &str,
) -> Result<T, StateError> {
    let text: String = row.get(column)?;
    text.parse().map_err(damaged)
}

fn json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> Result<T, StateError> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(damaged)
}

fn word<T: Copy, const N: usize>(
    row: &Row<'_>,
    column: &str,
    values: [T; N],
    name: fn(T) -> &'static str,
) -> Result<T, StateError> {
    let text: String = row.get(column)?;
    values
        .into_iter()
        .find(|value| name(*value) == text)
        .ok_or_else(|| damaged(format!("`{text}` is not a {column}")))
}

fn damaged(why: impl std::fmt::Display) -> StateError {
    StateError::Damaged(why.to_string())
}
