//! One at a time in a part of the target folder, in turn.
//!
//! Two test runs at once would boot into each other's folders, and two demonstrations would sign each
//! other's bundles. The second waits, and says for whom; the kernel releases what a run held however
//! it ends, so nothing has to be removed by hand.

use std::fs::{self, File, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::workspace::Workspace;

/// What is taken in turn.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shared {
    /// The folders of guests that tests boot.
    Guests,
    /// The demonstration's bundles, from their making until they are deployed.
    Demonstration,
}

impl Shared {
    fn lock(self, workspace: &Workspace) -> PathBuf {
        workspace.target().join(match self {
            Self::Guests => "guests.lock",
            Self::Demonstration => "demonstration.lock",
        })
    }
}

/// Its holder has the part for itself, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _lock: File,
}

impl Turn {
    /// Waits for it; `who` is what others are told while they wait.
    pub(crate) fn wait(workspace: &Workspace, shared: Shared, who: &str) -> Result<Self> {
        take(&shared.lock(workspace), who, |holder| {
            eprintln!("    waiting for {holder}: it works in the same target folder");
        })
    }
}

fn take(path: &Path, who: &str, tell: impl FnOnce(&str)) -> Result<Turn> {
    let named = || path.display().to_string();
    let lock = File::options()
        .append(true)
        .create(true)
        .open(path)
        .with_context(|| format!("cannot open {}", named()))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            tell(fs::read_to_string(path).unwrap_or_default().trim());
            lock.lock()
                .with_context(|| format!("cannot lock {}", named()))?;
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("cannot lock {}", named()));
        }
    }
    lock.set_len(0)
        .and_then(|()| writeln!(&lock, "{who} (process {})", std::process::id()))
        .with_context(|| format!("cannot write {}", named()))?;
    Ok(Turn { _lock: lock })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn the_second_waits_and_says_for_whom() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("some.lock");
        let first = take(&path, "the first", |_| ())?;
        let (told, hear) = mpsc::channel();
        std::thread::scope(|scope| {
            let second = scope.spawn(|| {
                take(&path, "the second", |holder| {
                    // Nobody hears it only when the test has failed already.
                    let _ = told.send(holder.to_owned());
                })
            });
            let holder = hear.recv()?;
            assert!(holder.starts_with("the first (process"), "{holder}");
            assert!(!second.is_finished());
            drop(first);
            assert!(second.join().is_ok_and(|turn| turn.is_ok()));
            Ok(())
        })
    }

    #[test]
    fn nobody_waits_for_one_that_has_ended() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("some.lock");
        for who in ["one", "another"] {
            let mut waited = false;
            take(&path, who, |_| waited = true)?;
            assert!(!waited);
            assert!(fs::read_to_string(&path)?.starts_with(who));
        }
        Ok(())
    }
}
