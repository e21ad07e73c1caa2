//! The previous generation: a second file that was good when it was written
//!
//! Written to a new file, checked as if it were being opened, then renamed into place: whenever the
//! power fails, one whole generation is there. It holds the sealed tables and the newest events, so
//! its size follows what the box holds and not how long it ran.

use std::fs::File;
use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, params_from_iter};

use super::error::StateError;
use super::schema::SEALED;
use super::{NEXT, PREVIOUS, open, schema, seal};

/// Events that a generation carries.
const EVENTS: u32 = 100;

/// Makes what `from` holds the previous generation, unless it is.
pub(super) fn keep(folder: &Path, from: &Connection) -> Result<(), StateError> {
    if is_kept(folder, from) {
        return Ok(());
    }
    let next = folder.join(NEXT);
    open::discard(&next)?;
    let mut to = Connection::open(&next)?;
    schema::prepare_unseen(&to)?;
    schema::create(&mut to)?;
    let transaction = to.transaction()?;
    transaction.execute("DELETE FROM marks", [])?;
    for (table, order) in SEALED {
        copy(from, &transaction, table, &format!("ORDER BY {order}"))?;
    }
    copy(
        from,
        &transaction,
        "event",
        &format!("ORDER BY number DESC LIMIT {EVENTS}"),
    )?;
    seal::renew(&transaction)?;
    transaction.commit()?;
    open::verify(&to)?;
    drop(to);
    File::open(&next)?.sync_all()?;
    std::fs::rename(&next, folder.join(PREVIOUS))?;
    sync_folder(folder)
}

fn copy(from: &Connection, to: &Connection, table: &str, which: &str) -> Result<(), StateError> {
    let mut read = from.prepare(&format!("SELECT * FROM {table} {which}"))?;
    let columns = read.column_count();
    let marks = vec!["?"; columns].join(", ");
    let mut write = to.prepare(&format!("INSERT INTO {table} VALUES ({marks})"))?;
    let mut rows = read.query([])?;
    while let Some(row) = rows.next()? {
        let values: Vec<Value> = (0..columns)
            .map(|column| row.get(column))
            .collect::<Result<_, _>>()?;
        write.execute(params_from_iter(values))?;
    }
    Ok(())
}

/// Whether the previous generation is there and holds what `file` holds.
fn is_kept(folder: &Path, file: &Connection) -> bool {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let Ok(previous) = Connection::open_with_flags(folder.join(PREVIOUS), flags) else {
        return false;
    };
    matches!(
        (seal::read(&previous), seal::read(file)),
        (Ok(kept), Ok(now)) if kept == now
    )
}

/// Puts the previous generation in the place of the truth.
pub(super) fn restore(folder: &Path) -> Result<(), StateError> {
    let next = folder.join(NEXT);
    open::discard(&next)?;
    std::fs::copy(folder.join(PREVIOUS), &next)?;
    File::open(&next)?.sync_all()?;
    std::fs::rename(&next, folder.join(super::FILE))?;
    sync_folder(folder)
}

/// Makes renames durable.
pub(super) fn sync_folder(folder: &Path) -> Result<(), StateError> {
    Ok(File::open(folder)?.sync_all()?)
}
