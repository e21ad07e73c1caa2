//! The seal: a digest of every row that matters
//!
//! SQLite notices a torn page, not a changed value in one. The seal is SHA-256 over all rows of the
//! sealed tables, in key order, each value with its type and length. It is kept in the file itself:
//! it guards against decay, not against somebody who can write the file.

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use sha2::{Digest as _, Sha256};

use super::error::StateError;
use super::schema::SEALED;

/// The digest of the rows as they are.
pub(super) fn digest(connection: &Connection) -> Result<[u8; 32], StateError> {
    let mut hash = Sha256::new();
    for (table, order) in SEALED {
        // A file of an earlier version has fewer of them.
        if !connection.table_exists(None, table)? {
            continue;
        }
        hash.update(table.as_bytes());
        let mut statement =
            connection.prepare_cached(&format!("SELECT * FROM {table} ORDER BY {order}"))?;
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            hash.update([0xff]);
            for column in 0..columns {
                absorb(&mut hash, row.get_ref(column)?);
            }
        }
    }
    Ok(hash.finalize().into())
}

fn absorb(hash: &mut Sha256, value: ValueRef<'_>) {
    let (kind, bytes): (u8, &[u8]) = match value {
        ValueRef::Null => (0, &[]),
        ValueRef::Integer(number) => {
            hash.update([1]);
            hash.update(number.to_le_bytes());
            return;
        }
        ValueRef::Real(number) => {
            hash.update([2]);
            hash.update(number.to_le_bytes());
            return;
        }
        ValueRef::Text(text) => (3, text),
        ValueRef::Blob(blob) => (4, blob),
    };
    hash.update([kind]);
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

/// Seals the rows as they are.
pub(super) fn renew(connection: &Connection) -> Result<(), StateError> {
    let digest = digest(connection)?;
    connection.execute(
        "INSERT INTO seal VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET digest = ?1",
        [&digest[..]],
    )?;
    Ok(())
}

/// The seal that was set.
pub(super) fn read(connection: &Connection) -> Result<Vec<u8>, StateError> {
    Ok(connection.query_row("SELECT digest FROM seal", [], |row| row.get(0))?)
}

/// Checks the rows against the seal.
///
/// # Errors
/// They differ.
pub(super) fn check(connection: &Connection) -> Result<(), StateError> {
    if read(connection)? == digest(connection)? {
        Ok(())
    } else {
        Err(StateError::Damaged(
            "its rows are not those that were sealed".to_owned(),
        ))
    }
}
