//! The tables, and what marks a file as ours
//!
//! A change here is a new version: `VERSION` goes up, and `open` migrates from the one before in
//! one transaction, after the seal was checked. STRICT tables refuse a value of another type;
//! nested values (contract, manifest) are JSON text, readable by any tool.

use rusqlite::Connection;

use super::error::StateError;

/// SQLite's `application_id` of the file: "Limn".
pub(super) const APPLICATION: i64 = 0x4c69_6d6e;
/// SQLite's `user_version` of the file.
pub(super) const VERSION: i64 = 1;

/// Tables under the seal, with the columns that order their rows.
pub(super) const SEALED: [(&str, &str); 7] = [
    ("marks", "one"),
    ("identity", "one"),
    ("vgw", "slot"),
    ("bundle", "slot, place"),
    ("seen", "provider, bundle"),
    ("permission", "id"),
    ("leftover", "slot, digest"),
];

const TABLES: &str = "
CREATE TABLE marks (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch INTEGER NOT NULL,
    permission INTEGER NOT NULL,
    event INTEGER NOT NULL,
    seen INTEGER NOT NULL
) STRICT;
CREATE TABLE identity (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    certificate TEXT NOT NULL,
    key TEXT NOT NULL,
    operator TEXT NOT NULL
) STRICT;
CREATE TABLE vgw (
    slot INTEGER PRIMARY KEY CHECK (slot BETWEEN 0 AND 31),
    provider TEXT NOT NULL UNIQUE,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    serial INTEGER NOT NULL,
    contract TEXT NOT NULL CHECK (json_valid(contract)),
    adjust INTEGER NOT NULL CHECK (adjust IN (0, 1)),
    phase TEXT NOT NULL CHECK (phase IN ('emptying', 'standing', 'removing')),
    authority TEXT NOT NULL,
    keys TEXT NOT NULL CHECK (json_valid(keys)),
    created INTEGER NOT NULL
) STRICT;
CREATE TABLE bundle (
    slot INTEGER NOT NULL REFERENCES vgw (slot),
    place INTEGER NOT NULL CHECK (place BETWEEN 0 AND 31),
    held TEXT NOT NULL CHECK (held IN ('installed', 'removing-files', 'removing-all', 'volumes-only')),
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    serial INTEGER NOT NULL,
    volumes INTEGER NOT NULL CHECK (volumes IN (0, 1)),
    summary TEXT NOT NULL CHECK (json_valid(summary)),
    installed INTEGER NOT NULL,
    PRIMARY KEY (slot, place)
) STRICT, WITHOUT ROWID;
CREATE TABLE seen (
    provider TEXT NOT NULL,
    bundle TEXT NOT NULL,
    counter INTEGER NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    PRIMARY KEY (provider, bundle)
) STRICT, WITHOUT ROWID;
CREATE TABLE permission (
    id INTEGER PRIMARY KEY CHECK (id > 0),
    exporter TEXT NOT NULL,
    interface TEXT NOT NULL,
    consumer TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT;
CREATE TABLE leftover (
    slot INTEGER NOT NULL REFERENCES vgw (slot),
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    PRIMARY KEY (slot, digest)
) STRICT, WITHOUT ROWID;
CREATE TABLE event (
    number INTEGER PRIMARY KEY,
    time_ms INTEGER NOT NULL,
    actor TEXT NOT NULL,
    provider TEXT,
    text TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE TABLE seal (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    digest BLOB NOT NULL
) STRICT;
INSERT INTO marks VALUES (1, 0, 0, 0, 0);
";

/// Sets a connection up. Exclusive: a second steward is refused. TRUNCATE keeps one journal file
/// and syncs its emptying, so that a commit is on the disk when it returns; a write-ahead log would
/// be a second file that must be found again.
pub(super) fn prepare(connection: &Connection) -> Result<(), StateError> {
    connection.execute_batch(
        "PRAGMA locking_mode = EXCLUSIVE;
         PRAGMA journal_mode = TRUNCATE;
         PRAGMA synchronous = FULL;
         PRAGMA temp_store = MEMORY;
         PRAGMA mmap_size = 0;
         PRAGMA cell_size_check = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA foreign_keys = ON;
         PRAGMA cache_size = -512;",
    )?;
    Ok(())
}

/// Makes the tables in an empty file, all or nothing.
pub(super) fn create(connection: &mut Connection) -> Result<(), StateError> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    super::seal::renew(&transaction)?;
    transaction.commit()?;
    Ok(())
}

/// Whose file it is, and of which version.
///
/// # Errors
/// It is not ours, or of a version that is not understood.
pub(super) fn check(connection: &Connection) -> Result<(), StateError> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let application = number("application_id")?;
    if application != APPLICATION {
        return Err(StateError::Damaged(format!(
            "its application id is {application:#x}"
        )));
    }
    let found = number("user_version")?;
    if found > VERSION {
        return Err(StateError::Newer {
            found,
            known: VERSION,
        });
    }
    if found < VERSION {
        return Err(StateError::Damaged(format!("its version is {found}")));
    }
    Ok(())
}
