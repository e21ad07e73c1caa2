//! Emptying staging, however deep what lies there.
//!
//! A volume's content is hostile: a provider can nest directories far beyond what recursion, or one
//! descriptor a level, could follow. So nothing is descended into: a directory that is not empty is moved up
//! into staging under a new name, and its turn comes there. One batch of names and two descriptors at a
//! time, and a sweep that was interrupted goes on at the next start.

use std::ffi::CStr;

use rustix::fs::FileType;
use rustix::io::Errno;

use super::beneath::{Directory, StoreError};

/// Names read at once: bounds memory, whatever a directory holds.
const BATCH: usize = 1024;

/// Removes everything in `staging`.
pub(super) fn sweep(staging: &Directory) -> Result<(), StoreError> {
    let mut moved = 0;
    loop {
        let entries = staging.entries(BATCH)?;
        if entries.is_empty() {
            return Ok(());
        }
        for (name, kind) in entries {
            if kind == FileType::Directory || kind == FileType::Unknown {
                empty(staging, &name, &mut moved)?;
            }
            staging.unlink(name.as_c_str())?;
        }
    }
}

/// Empties the directory `name` of `staging`; its subdirectories that are not empty move up.
fn empty(staging: &Directory, name: &CStr, moved: &mut u64) -> Result<(), StoreError> {
    let directory = match staging.directory(name) {
        Err(error) if matches!(error.errno, Errno::NOTDIR | Errno::LOOP) => return Ok(()),
        other => other?,
    };
    loop {
        let entries = directory.entries(BATCH)?;
        if entries.is_empty() {
            return Ok(());
        }
        for (name, _) in entries {
            match directory.unlink(name.as_c_str()) {
                Err(error) if matches!(error.errno, Errno::NOTEMPTY | Errno::EXIST) => {
                    move_up(&directory, &name, staging, moved)?;
                }
                other => other?,
            }
        }
    }
}

fn move_up(
    from: &Directory,
    name: &CStr,
    staging: &Directory,
    moved: &mut u64,
) -> Result<(), StoreError> {
    loop {
        *moved += 1;
        match from.rename(name, staging, &format!("moved-{moved}")) {
            Err(error) if error.errno == Errno::EXIST => {}
            other => return other,
        }
    }
}
