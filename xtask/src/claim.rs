//! One `run` at a time in a folder, and one box.
//!
//! While `run` prepares, it holds a lock on a file, which the kernel releases however it ends; the
//! box it leaves behind is found by its emulator's process. So a second `run` beside the first
//! says what is the matter, and no stale file ever has to be removed by hand.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use anyhow::{Context, Result};
use limen_images::machine::Found;

/// Another box, or another run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Busy {
    /// A box is up.
    #[error(
        "a box is running already (process {pid}); `cargo xtask stop` ends it, `. {env}` reaches it"
    )]
    Box {
        /// Its emulator.
        pid: i32,
        /// How to reach it.
        env: String,
    },
    /// Another `run` is preparing one, or shows one in the foreground.
    #[error(
        "another `cargo xtask run` is at work; wait for it, or end it with Ctrl-C where it runs"
    )]
    Run,
}

/// The right to run a box in a folder, until it is dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    _lock: File,
}

impl Claim {
    /// Takes it, or says who has it.
    pub(crate) fn take(folder: &Path) -> Result<Self> {
        if let Some(found) = Found::find(folder) {
            let env = folder.join("env").display().to_string();
            return Err(Busy::Box {
                pid: found.pid(),
                env,
            }
            .into());
        }
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let path = folder.join(LOCK);
        let lock =
            File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(Busy::Run.into()),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", path.display()))
            }
        }
    }

    /// Empties the folder but for the lock.
    pub(crate) fn clear(&self, folder: &Path) -> Result<()> {
        for entry in
            fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?
        {
            let path = entry?.path();
            let removed = match path.file_name() {
                Some(name) if name == LOCK => Ok(()),
                _ if path.is_dir() => fs::remove_dir_all(&path),
                _ => fs::remove_file(&path),
            };
            removed.with_context(|| format!("cannot remove {}", path.display()))?;
        }
        Ok(())
    }
}

const LOCK: &str = "lock";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_run_is_told_of_the_first() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let first = Claim::take(folder.path())?;
        let refusal = Claim::take(folder.path()).err();
        assert!(refusal.is_some_and(|error| matches!(error.downcast_ref(), Some(Busy::Run))));
        drop(first);
        assert!(Claim::take(folder.path()).is_ok());
        Ok(())
    }

    #[test]
    fn clearing_keeps_the_lock() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let claim = Claim::take(folder.path())?;
        fs::create_dir(folder.path().join("credentials"))?;
        fs::write(folder.path().join("data.img"), "")?;
        claim.clear(folder.path())?;
        let left: Vec<_> = fs::read_dir(folder.path())?.collect::<Result<_, _>>()?;
        assert_eq!(left.len(), 1);
        assert!(Claim::take(folder.path()).is_err());
        Ok(())
    }
}
