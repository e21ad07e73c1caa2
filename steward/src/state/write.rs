//! From changes to rows
//!
//! One function a change, called inside one transaction. What a `Change` does to `Desired` in
//! memory it does here to the tables; a test compares the two.

use rusqlite::{Connection, params};

use super::error::StateError;
use crate::core::accounts::Payer;
use crate::core::desired::{BundleRecord, Change, Draft, Held, Marks, Phase, VgwRecord};

/// Events that are kept; older ones are dropped.
pub(super) const EVENTS: u64 = 10_000;

/// Writes one change. `event` is the number that the next event gets.
pub(super) fn change(to: &Connection, change: &Change, event: &mut u64) -> Result<(), StateError> {
    match change {
        Change::Identity(identity) => {
            to.execute(
                "INSERT OR REPLACE INTO identity VALUES (1, ?1, ?2, ?3)",
                params![identity.certificate, identity.key, identity.operator],
            )?;
        }
        Change::Vgw(record) => vgw(to, record)?,
        Change::NoVgw(slot) => {
            for table in ["account", "month"] {
                let of = Payer::Vgw(*slot).to_string();
                to.execute(
                    &format!("DELETE FROM {table} WHERE payer = ?1 OR payer GLOB ?1 || '/*'"),
                    [of],
                )?;
            }
            for table in ["bundle", "leftover", "vgw"] {
                to.execute(
                    &format!("DELETE FROM {table} WHERE slot = ?1"),
                    [slot.get()],
                )?;
            }
        }
        Change::Bundle(record) => bundle(to, record)?,
        Change::NoBundle(slot, index) => {
            to.execute(
                "DELETE FROM bundle WHERE slot = ?1 AND place = ?2",
                params![slot.get(), index.get()],
            )?;
            for table in ["account", "month"] {
                let of = Payer::Bundle(*slot, *index).to_string();
                to.execute(&format!("DELETE FROM {table} WHERE payer = ?1"), [of])?;
            }
        }
        Change::Seen(provider, bundle, seen) => {
            to.execute(
                "INSERT OR REPLACE INTO seen VALUES (?1, ?2, ?3, ?4)",
                params![
                    provider.as_str(),
                    bundle.as_str(),
                    seen.counter.cast_signed(),
                    &seen.digest.0[..]
                ],
            )?;
        }
        Change::Grant(grant) => {
            to.execute(
                "INSERT OR REPLACE INTO permission VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    grant.id.cast_signed(),
                    grant.exporter.as_str(),
                    grant.interface.as_str(),
                    grant.consumer.as_str(),
                    grant.created.cast_signed()
                ],
            )?;
        }
        Change::NoGrant(id) => {
            to.execute("DELETE FROM permission WHERE id = ?1", [id.cast_signed()])?;
        }
        Change::Leftover(slot, digest) => {
            to.execute(
                "INSERT OR REPLACE INTO leftover VALUES (?1, ?2)",
                params![slot.get(), &digest.0[..]],
            )?;
        }
        Change::NoLeftover(slot, digest) => {
            to.execute(
                "DELETE FROM leftover WHERE slot = ?1 AND digest = ?2",
                params![slot.get(), &digest.0[..]],
            )?;
        }
        Change::Trust | Change::Clock(_) => {}
        Change::Event(draft) => {
            self::event(to, draft, *event)?;
            *event += 1;
        }
        Change::Account(payer, account) => {
            to.execute(
                "INSERT OR REPLACE INTO account VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    payer.to_string(),
                    account.era.0.cast_signed(),
                    json(&account.seen.list())?,
                    json(&account.total.list())?,
                    account.month.0,
                    json(&account.counted.list())?,
                ],
            )?;
        }
        Change::Month(payer, month, counted) => {
            to.execute(
                "INSERT OR REPLACE INTO month VALUES (?1, ?2, ?3)",
                params![payer.to_string(), month.0, json(&counted.list())?],
            )?;
        }
        Change::NoMonth(payer, month) => {
            to.execute(
                "DELETE FROM month WHERE payer = ?1 AND month = ?2",
                params![payer.to_string(), month.0],
            )?;
        }
    }
    Ok(())
}

/// Writes the marks and drops the oldest events.
pub(super) fn marks(to: &Connection, marks: Marks) -> Result<(), StateError> {
    to.execute(
        "UPDATE marks SET epoch = ?1, permission = ?2, event = ?3, seen = ?4",
        params![
            marks.epoch.cast_signed(),
            marks.grant.cast_signed(),
            marks.event.cast_signed(),
            marks.seen.cast_signed()
        ],
    )?;
    to.execute(
        "DELETE FROM event WHERE number <= ?1",
        [marks.event.saturating_sub(EVENTS).cast_signed()],
    )?;
    Ok(())
}

fn vgw(to: &Connection, record: &VgwRecord) -> Result<(), StateError> {
    // Not REPLACE: that would delete the row, which its bundles refer to.
    to.execute(
        "INSERT INTO vgw VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (slot) DO UPDATE SET provider = ?2, enabled = ?3, serial = ?4, contract = ?5,
             adjust = ?6, phase = ?7, authority = ?8, keys = ?9, created = ?10, frozen = ?11, spent = ?12",
        params![
            record.slot.get(),
            record.provider.as_str(),
            record.enabled,
            record.serial.cast_signed(),
            json(&record.contract)?,
            record.adjust,
            phase(record.phase),
            record.authority,
            json(&record.keys)?,
            record.created.cast_signed(),
            record.frozen,
            record.spent,
        ],
    )?;
    Ok(())
}

fn bundle(to: &Connection, record: &BundleRecord) -> Result<(), StateError> {
    to.execute(
        "INSERT OR REPLACE INTO bundle VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            record.slot.get(),
            record.index.get(),
            held(record.held),
            record.enabled,
            record.serial.cast_signed(),
            record.volumes,
            json(&record.summary)?,
            record.installed.cast_signed(),
        ],
    )?;
    Ok(())
}

fn event(to: &Connection, draft: &Draft, number: u64) -> Result<(), StateError> {
    to.execute(
        "INSERT OR REPLACE INTO event VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            number.cast_signed(),
            draft.time_ms.cast_signed(),
            draft.actor,
            draft.provider.as_ref().map(limen_proto::name::Name::as_str),
            draft.text,
            draft.detail,
        ],
    )?;
    Ok(())
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, StateError> {
    serde_json::to_string(value)
        .map_err(|error| StateError::Unusable(format!("a record cannot be written: {error}")))
}

/// A phase as it is written.
pub(super) const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Emptying => "emptying",
        Phase::Standing => "standing",
        Phase::Removing => "removing",
    }
}

/// What is left of a bundle, as it is written.
pub(super) const fn held(held: Held) -> &'static str {
    match held {
        Held::Installed => "installed",
        Held::RemovingFiles => "removing-files",
        Held::RemovingAll => "removing-all",
        Held::VolumesOnly => "volumes-only",
    }
}
