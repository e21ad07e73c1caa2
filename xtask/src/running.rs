//! The one box that may run in a folder, known by a lock that its emulator holds.
//!
//! The lock file is the emulator's standard input, which it never reads: the kernel keeps the
//! lock exactly as long as the emulator lives, whoever started it and however it ends. So there is
//! no stale state to clean up after a power cut of the developer's own machine, and no race
//! between looking and starting.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

/// A box is running already.
#[derive(Debug, thiserror::Error)]
#[error(
    "a box is running already (process {pid}); `cargo xtask stop` ends it, and `. {env}` reaches it"
)]
pub(crate) struct AlreadyRunning {
    pid: u32,
    env: String,
}

/// The right to run a box in this folder.
#[derive(Debug)]
pub(crate) struct Claim {
    file: File,
}

impl Claim {
    /// Takes the right, unless an emulator holds it.
    pub(crate) fn take(lock: &Path, env: &Path) -> Result<Self> {
        let mut file = open(lock)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file }),
            Err(TryLockError::WouldBlock) => {
                let env = env.display().to_string();
                Err(AlreadyRunning {
                    pid: pid_in(&mut file)?,
                    env,
                }
                .into())
            }
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", lock.display()))
            }
        }
    }

    /// A descriptor that keeps the lock, for the emulator's standard input.
    pub(crate) fn share(&self) -> Result<File> {
        self.file
            .try_clone()
            .context("cannot duplicate the lock's descriptor")
    }

    /// Notes whose lock it is from now on.
    pub(crate) fn name(&mut self, emulator: u32) -> Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        write!(self.file, "{emulator}").context("cannot write the lock file")
    }
}

/// A box that somebody started.
#[derive(Debug)]
pub(crate) struct Running {
    lock: PathBuf,
    pid: u32,
}

impl Running {
    /// Looks for one.
    pub(crate) fn find(lock: &Path) -> Result<Option<Self>> {
        if !lock.exists() {
            return Ok(None);
        }
        let mut file = open(lock)?;
        match file.try_lock() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Ok(Some(Self {
                lock: lock.to_owned(),
                pid: pid_in(&mut file)?,
            })),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", lock.display()))
            }
        }
    }

    /// Process id of the emulator.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits for its end; false when it still runs after `limit`.
    pub(crate) fn wait(&self, limit: Duration) -> Result<bool> {
        let started = Instant::now();
        while started.elapsed() < limit {
            if Self::find(&self.lock)?.is_none() {
                return Ok(true);
            }
            thread::sleep(Duration::from_millis(100));
        }
        Ok(false)
    }

    /// Ends the emulator as a power cut would.
    pub(crate) fn kill(&self) -> Result<()> {
        // A live lock with this number in it is this process; the name check covers the moment
        // between another run's lock and its number.
        let comm = fs::read_to_string(format!("/proc/{}/comm", self.pid)).unwrap_or_default();
        if !comm.starts_with("qemu-system") {
            bail!(
                "process {} is no emulator; end it by hand if it holds {}",
                self.pid,
                self.lock.display()
            );
        }
        let pid = i32::try_from(self.pid)
            .ok()
            .and_then(Pid::from_raw)
            .context("no process id")?;
        kill_process(pid, Signal::KILL).context("cannot end the emulator")
    }
}

fn open(lock: &Path) -> Result<File> {
    if let Some(folder) = lock.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(lock)
        .with_context(|| format!("cannot open {}", lock.display()))
}

fn pid_in(file: &mut File) -> Result<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text)
        .context("cannot read the lock file")?;
    text.trim()
        .parse()
        .context("another `cargo xtask run` is about to start a box; wait for it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_excludes_another_and_names_its_holder() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let (lock, env) = (folder.path().join("lock"), folder.path().join("env"));
        let mut claim = Claim::take(&lock, &env)?;
        claim.name(4711)?;
        let refusal = Claim::take(&lock, &env)
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(
            refusal.contains("process 4711") && refusal.contains("cargo xtask stop"),
            "{refusal}"
        );
        assert_eq!(
            Running::find(&lock)?.map(|running| running.pid()),
            Some(4711)
        );
        Ok(())
    }

    #[test]
    fn the_lock_lives_as_long_as_any_of_its_descriptors() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let (lock, env) = (folder.path().join("lock"), folder.path().join("env"));
        let mut claim = Claim::take(&lock, &env)?;
        claim.name(1)?;
        let shared = claim.share()?;
        drop(claim);
        assert!(Running::find(&lock)?.is_some());
        drop(shared);
        assert!(Running::find(&lock)?.is_none());
        Ok(())
    }
}
