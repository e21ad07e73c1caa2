//! The tables, and what marks a file as ours
//!
//! A change here is a new version: `VERSION` goes up, and `open` migrates from those before in one
//! transaction, after the seal was checked. How many slots there are is
//! the program's business; `load` checks it. STRICT tables refuse a value of another type;
//! nested values (contract, manifest) are JSON text, readable by any tool.

use rusqlite::Connection;

use super::error::StateError;

/// SQLite's `application_id` of the file: "Limn".
pub(super) const APPLICATION: i64 = 0x4c69_6d6e;
/// SQLite's `user_version` of the file.
pub(super) const VERSION: i64 = 6;

/// Tables under the seal, with the columns that order their rows.
pub(super) const SEALED: [(&str, &str); 9] = [
    ("marks", "one"),
    ("identity", "one"),
    ("vgw", "slot"),
    ("bundle", "slot, place"),
    ("seen", "provider, bundle"),
    ("permission", "id"),
    ("leftover", "slot, digest"),
    ("account", "payer"),
    ("month", "payer, month"),
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
    slot INTEGER PRIMARY KEY CHECK (slot >= 0),
    provider TEXT NOT NULL UNIQUE,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    serial INTEGER NOT NULL,
    contract TEXT NOT NULL CHECK (json_valid(contract)),
    adjust INTEGER NOT NULL CHECK (adjust IN (0, 1)),
    phase TEXT NOT NULL CHECK (phase IN ('emptying', 'standing', 'removing')),
    authority TEXT NOT NULL,
    keys TEXT NOT NULL CHECK (json_valid(keys)),
    created INTEGER NOT NULL,
    frozen INTEGER NOT NULL CHECK (frozen IN (0, 1)),
    spent INTEGER NOT NULL DEFAULT 0 CHECK (spent IN (0, 1))
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

/// What leads from each version, from 1 on, to the next.
const MIGRATIONS: [&str; 5] = [
    "
CREATE TABLE next (
    slot INTEGER PRIMARY KEY CHECK (slot >= 0),
    provider TEXT NOT NULL UNIQUE,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    serial INTEGER NOT NULL,
    contract TEXT NOT NULL CHECK (json_valid(contract)),
    adjust INTEGER NOT NULL CHECK (adjust IN (0, 1)),
    phase TEXT NOT NULL CHECK (phase IN ('emptying', 'standing', 'removing')),
    authority TEXT NOT NULL,
    keys TEXT NOT NULL CHECK (json_valid(keys)),
    created INTEGER NOT NULL,
    frozen INTEGER NOT NULL CHECK (frozen IN (0, 1))
) STRICT;
INSERT INTO next SELECT *, 0 FROM vgw;
DROP TABLE vgw;
ALTER TABLE next RENAME TO vgw;
",
    // The share that a bundle asks for has the form of a contract's limits. Contracts need no
    // change: what they may say in addition has a value when it is absent.
    "
UPDATE bundle SET summary = json_set(
    json_remove(summary, '$.memory', '$.processes', '$.cpu_percent'),
    '$.limits', json_object(
        'cpu-percent', json_extract(summary, '$.cpu_percent'),
        'cpu-weight', 100,
        'memory', json_extract(summary, '$.memory'),
        'processes', json_extract(summary, '$.processes')));
",
    ACCOUNTS,
    // Behind the others, as ALTER TABLE makes it.
    "ALTER TABLE vgw ADD COLUMN spent INTEGER NOT NULL DEFAULT 0 CHECK (spent IN (0, 1));",
    // Counters have two values more: what was read from disks and written to them.
    "UPDATE account SET
        seen = json_insert(seen, '$[#]', 0, '$[#]', 0),
        total = json_insert(total, '$[#]', 0, '$[#]', 0),
        counted = json_insert(counted, '$[#]', 0, '$[#]', 0);
     UPDATE month SET counted = json_insert(counted, '$[#]', 0, '$[#]', 0);",
];

/// What came with version 4.
const ACCOUNTS: &str = "
CREATE TABLE account (
    payer TEXT PRIMARY KEY,
    era INTEGER NOT NULL,
    seen TEXT NOT NULL CHECK (json_valid(seen)),
    total TEXT NOT NULL CHECK (json_valid(total)),
    month INTEGER NOT NULL,
    counted TEXT NOT NULL CHECK (json_valid(counted))
) STRICT, WITHOUT ROWID;
CREATE TABLE month (
    payer TEXT NOT NULL,
    month INTEGER NOT NULL,
    counted TEXT NOT NULL CHECK (json_valid(counted)),
    PRIMARY KEY (payer, month)
) STRICT, WITHOUT ROWID;
";

/// Sets a connection up. Exclusive: a second steward is refused. PERSIST keeps one journal file, as
/// large as it ever was, and syncs the end of its validity, so that a commit is on the disk when it
/// returns. Where no file grows or shrinks, fdatasync(2) waits for the disk alone and not for the file
/// system's own journal, behind which everything is that any bundle writes at that moment. A
/// write-ahead log would be a second file that must be found again.
pub(super) fn prepare(connection: &Connection) -> Result<(), StateError> {
    connection.execute_batch(
        "PRAGMA locking_mode = EXCLUSIVE;
         PRAGMA journal_mode = PERSIST;
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

/// Sets a connection up to a file that nobody opens before it was synced as a whole: it waits for the
/// disk once, not with each commit.
pub(super) fn prepare_unseen(connection: &Connection) -> Result<(), StateError> {
    prepare(connection)?;
    connection.execute_batch(
        "PRAGMA journal_mode = MEMORY;
         PRAGMA synchronous = OFF;",
    )?;
    Ok(())
}

/// Makes the tables in an empty file, all or nothing.
pub(super) fn create(connection: &mut Connection) -> Result<(), StateError> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    transaction.execute_batch(ACCOUNTS)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    super::seal::renew(&transaction)?;
    transaction.commit()?;
    Ok(())
}

/// Brings a file of an earlier version to this one, all or nothing.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StateError> {
    let found = check(connection)?;
    if found == VERSION {
        return Ok(());
    }
    // A table that others refer to is replaced; rows that refer to nothing would not get by below.
    connection.pragma_update(None, "foreign_keys", false)?;
    let transaction = connection.transaction()?;
    for (version, step) in (1..).zip(MIGRATIONS) {
        if version >= found {
            transaction.execute_batch(step)?;
        }
    }
    let mut orphans = transaction.prepare("PRAGMA foreign_key_check")?;
    if orphans.exists([])? {
        return Err(StateError::Damaged("its rows refer to nothing".to_owned()));
    }
    drop(orphans);
    transaction.pragma_update(None, "user_version", VERSION)?;
    // Statements of before would leave the new columns out of the seal.
    transaction.flush_prepared_statement_cache();
    super::seal::renew(&transaction)?;
    transaction.commit()?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(())
}

/// Whose file it is, and of which version.
///
/// # Errors
/// It is not ours, or of a version that is not understood.
pub(super) fn check(connection: &Connection) -> Result<i64, StateError> {
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
    if found < 1 {
        return Err(StateError::Damaged(format!("its version is {found}")));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tables of version 1.
    fn first() -> String {
        TABLES.replace(
            ",\n    frozen INTEGER NOT NULL CHECK (frozen IN (0, 1)),\n    \
             spent INTEGER NOT NULL DEFAULT 0 CHECK (spent IN (0, 1))",
            "",
        )
    }

    fn columns(of: &Connection) -> Vec<(String, String)> {
        let sql = "SELECT m.name, p.name FROM sqlite_schema m, pragma_table_info(m.name) p
                   WHERE m.type = 'table' ORDER BY m.name, p.cid";
        let mut statement = of.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        rows.unwrap().collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn a_file_of_the_first_version_becomes_one_of_this() {
        let mut old = Connection::open_in_memory().unwrap();
        old.execute_batch(&first()).unwrap();
        old.pragma_update(None, "foreign_keys", true).unwrap();
        let row = "INSERT INTO vgw VALUES (1, 'energy', 1, 3, '{}', 0, 'standing', '', '[]', 7)";
        old.execute(row, []).unwrap();
        old.pragma_update(None, "application_id", APPLICATION)
            .unwrap();
        old.pragma_update(None, "user_version", 1).unwrap();
        let bundle = "INSERT INTO bundle VALUES (1, 0, 'installed', 1, 1, 0, '{}', 7)";
        old.execute(bundle, []).unwrap();
        crate::state::seal::renew(&old).unwrap();
        migrate(&mut old).unwrap();
        crate::state::open::verify(&old).unwrap();
        assert_eq!(check(&old).unwrap(), VERSION);
        let mut new = Connection::open_in_memory().unwrap();
        create(&mut new).unwrap();
        assert_eq!(columns(&old), columns(&new));
        let frozen: bool = old
            .query_row("SELECT frozen FROM vgw", [], |row| row.get(0))
            .unwrap();
        assert!(!frozen);
        assert!(
            old.execute("DELETE FROM vgw", []).is_err(),
            "it has a bundle"
        );
    }

    #[test]
    fn an_account_of_version_5_has_read_and_written_nothing() {
        let mut old = Connection::open_in_memory().unwrap();
        create(&mut old).unwrap();
        let thirteen = "[1,2,3,4,5,6,7,8,9,10,11,12,13]";
        let row = "INSERT INTO account VALUES ('vgw/1', 7, ?1, ?1, 3, ?1)";
        old.execute(row, [thirteen]).unwrap();
        let row = "INSERT INTO month VALUES ('vgw/1', 2, ?1)";
        old.execute(row, [thirteen]).unwrap();
        old.pragma_update(None, "user_version", 5).unwrap();
        migrate(&mut old).unwrap();
        for column in ["seen", "total", "counted"] {
            let sql = format!("SELECT {column} FROM account");
            let list: String = old.query_row(&sql, [], |row| row.get(0)).unwrap();
            let list = serde_json::from_str(&list).unwrap();
            let counters = limen_proto::account::Counters::from_list(list);
            assert_eq!((counters.cpu_us, counters.packets_received), (1, 13));
            assert_eq!((counters.disk_read, counters.disk_written), (0, 0));
        }
        let month = "SELECT json_array_length(counted) FROM month";
        let length: usize = old.query_row(month, [], |row| row.get(0)).unwrap();
        assert_eq!(length, limen_proto::account::COUNTERS);
    }
}
