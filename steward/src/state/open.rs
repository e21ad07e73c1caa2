//! Opening: what is found decides how much is known
//!
//! | found | then |
//! | --- | --- |
//! | nothing | a new file |
//! | a good file | that; one of an earlier version becomes one of this |
//! | a damaged file, or none where a generation is | set aside; the previous generation; say so |
//! | both damaged | set aside; a new file; say so |
//! | a newer version | left alone; nothing is known, nothing is written; say so |
//! | a place that cannot be written | read; nothing is written; say so |
//! | a file that another steward holds | refuse to run |
//!
//! "Say so" is a note: a warning of the box, an event where one can be written, a line of the log.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::error::StateError;
use super::store::Store;
use super::{DAMAGED, FILE, NEXT, PREVIOUS, generation, load, schema, seal};
use crate::core::desired::Desired;

/// What opening came to.
#[derive(Debug)]
pub struct Opened {
    /// Where to commit.
    pub store: Store,
    /// What shall be.
    pub desired: Desired,
    /// What is wrong, in words.
    pub notes: Vec<String>,
    /// What shall be is not known: nothing that runs may be ended for not being named.
    pub blind: bool,
    /// What shall be is an earlier generation's.
    pub recovered: bool,
}

/// Opens the state below `folder`.
///
/// # Errors
/// Another steward holds it. Everything else is a note.
pub fn open(folder: &Path) -> Result<Opened, StateError> {
    match attempt(folder) {
        Ok((connection, desired)) => Ok(found(folder, connection, desired)),
        Err(StateError::Held) => Err(StateError::Held),
        Err(error @ StateError::Newer { .. }) => {
            Ok(closed(folder, Desired::default(), true, &error))
        }
        Err(error @ StateError::Unusable(_)) => match read_only(folder) {
            Ok(desired) => Ok(closed(folder, desired, false, &error)),
            Err(_) => Ok(closed(folder, Desired::default(), true, &error)),
        },
        Err(error @ StateError::Damaged(_)) => fall_back(folder, &error),
    }
}

fn found(folder: &Path, connection: Connection, desired: Desired) -> Opened {
    Opened {
        store: Store::writing(folder.to_owned(), connection),
        desired,
        notes: Vec::new(),
        blind: false,
        recovered: false,
    }
}

fn closed(folder: &Path, desired: Desired, blind: bool, why: &StateError) -> Opened {
    Opened {
        store: Store::refusing(folder.to_owned(), why.to_string()),
        desired,
        notes: vec![format!("{why}; until then nothing can be changed")],
        blind,
        recovered: false,
    }
}

/// The previous generation, or a new file.
fn fall_back(folder: &Path, damage: &StateError) -> Result<Opened, StateError> {
    if let Err(error) = set_aside(folder, FILE) {
        return Ok(closed(folder, Desired::default(), true, &error));
    }
    let previous = folder.join(PREVIOUS);
    let mut notes = Vec::new();
    if present(&previous) {
        match generation::restore(folder).and_then(|()| attempt(folder)) {
            Ok((connection, desired)) => {
                notes.push(format!(
                    "{damage}; the previous generation was taken instead, and the damaged file is kept as {DAMAGED}: check the last changes"
                ));
                let store = Store::writing(folder.to_owned(), connection);
                return Ok(Opened {
                    store,
                    desired,
                    notes,
                    blind: false,
                    recovered: true,
                });
            }
            Err(StateError::Held) => return Err(StateError::Held),
            Err(error) => {
                notes.push(format!("the previous generation was no better: {error}"));
                if let Err(error) =
                    set_aside(folder, FILE).and_then(|()| set_aside(folder, PREVIOUS))
                {
                    return Ok(closed(folder, Desired::default(), true, &error));
                }
            }
        }
    }
    match attempt(folder) {
        Ok((connection, desired)) => {
            notes.push(format!(
                "{damage}; no generation was left, so the box knows no virtual gateway: create them again"
            ));
            let mut opened = found(folder, connection, desired);
            opened.notes = notes;
            // What runs may be all that is left of what was wanted: it is not ended.
            opened.blind = true;
            Ok(opened)
        }
        Err(StateError::Held) => Err(StateError::Held),
        Err(error) => Ok(closed(folder, Desired::default(), true, &error)),
    }
}

/// Opens, checks and reads the file; makes it where nothing is.
fn attempt(folder: &Path) -> Result<(Connection, Desired), StateError> {
    let path = folder.join(FILE);
    let size = regular(&path)?;
    discard(&folder.join(NEXT))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(&path, flags).map_err(|error| {
        let error = StateError::from(error);
        // A file that is not ours in a folder that is: somebody's mistake, not the disk's.
        if size.is_some() && writable(folder) {
            StateError::Damaged(error.to_string())
        } else {
            error
        }
    })?;
    schema::prepare(&connection)?;
    // Asked only now: opening rolls an interrupted first start back.
    if is_bare(&connection)? {
        if present(&folder.join(PREVIOUS)) {
            return Err(StateError::Damaged("it is gone or empty".to_owned()));
        }
        schema::create(&mut connection)?;
        generation::sync_folder(folder)?;
    }
    verify(&connection)?;
    schema::migrate(&mut connection)?;
    let desired = load::load(&connection)?;
    Ok((connection, desired))
}

/// Whose file it is, whether its structure is whole, and whether its rows are the sealed ones.
pub(super) fn verify(connection: &Connection) -> Result<(), StateError> {
    schema::check(connection)?;
    let report: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if report != "ok" {
        return Err(StateError::Damaged(report));
    }
    seal::check(connection)
}

fn read_only(folder: &Path) -> Result<Desired, StateError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = Connection::open_with_flags(folder.join(FILE), flags)?;
    verify(&connection)?;
    load::load(&connection)
}

/// Whether nothing was ever written.
fn is_bare(connection: &Connection) -> Result<bool, StateError> {
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(tables == 0)
}

/// The size of a regular file; none when nothing is there.
fn regular(path: &Path) -> Result<Option<u64>, StateError> {
    match fs::symlink_metadata(path) {
        Ok(data) if data.is_file() => Ok(Some(data.len())),
        Ok(_) => Err(StateError::Damaged(
            "something else is in its place".to_owned(),
        )),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn present(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

fn writable(folder: &Path) -> bool {
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok()
}

/// Keeps a file that failed its checks, and its journal, as evidence. A journal that stayed would
/// be played into the next file of that name.
fn set_aside(folder: &Path, name: &str) -> Result<(), StateError> {
    let from = folder.join(name);
    let to = folder.join(DAMAGED);
    if present(&from) {
        discard(&to)?;
        fs::rename(&from, &to)?;
    }
    let journal = journal(&from);
    if present(&journal) {
        fs::rename(&journal, self::journal(&to))?;
    }
    generation::sync_folder(folder)
}

fn journal(of: &Path) -> PathBuf {
    let mut name = of.as_os_str().to_owned();
    name.push("-journal");
    PathBuf::from(name)
}

/// Removes a file or folder and its journal, if it is there.
pub(super) fn discard(path: &Path) -> Result<(), StateError> {
    for path in [path.to_owned(), journal(path)] {
        match fs::symlink_metadata(&path) {
            Ok(data) if data.is_dir() => fs::remove_dir_all(&path)?,
            Ok(_) => fs::remove_file(&path)?,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
