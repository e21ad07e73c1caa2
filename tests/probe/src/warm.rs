//! As PID 1 before limen-init: everything that a boot reads is in memory then
//!
//! On the instruction clock a wait for the host's disk is no number of instructions: the clock
//! jumps from timer to timer until the disk has answered. A boot that waits for no disk says what
//! the programs themselves cost.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::{fs, io};

use anyhow::{Context as _, Result};

use crate::{clock, peers};

/// limen-init, when this program stands in its place.
const INIT: &str = "/usr/lib/limen/bin/limen-init.real";

/// Programs: ours, and in an image with the peers their libraries.
const PROGRAMS: [&str; 2] = ["/usr/lib", "/usr/bin"];

/// What else a boot reads.
const DATA: [&str; 2] = ["/data/limen/tenant", "/data/limen/state"];

/// Whether limen-init shall run after this.
pub(crate) fn wanted() -> bool {
    Path::new(INIT).exists()
}

/// Reads, then becomes limen-init.
pub(crate) fn run() -> Result<()> {
    programs()?;
    all(&DATA)?;
    if peers::present() {
        peers::in_child()?;
    }
    clock::settle(2000);
    Err(Command::new(INIT).exec()).context(INIT)
}

/// Reads every program once.
pub(crate) fn programs() -> Result<()> {
    all(&PROGRAMS)
}

fn all(folders: &[&str]) -> Result<()> {
    for folder in folders {
        read(Path::new(folder)).with_context(|| format!("read {folder}"))?;
    }
    Ok(())
}

fn read(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            read(&entry.path())?;
        } else if kind.is_file() {
            fs::read(entry.path())?;
        }
    }
    Ok(())
}
