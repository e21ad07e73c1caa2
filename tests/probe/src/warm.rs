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

/// What a boot reads.
const FOLDERS: [&str; 4] = [
    // Ours, and in an image with the peers their libraries.
    "/usr/lib",
    "/usr/bin",
    "/data/limen/tenant",
    "/data/limen/state",
];

/// Whether limen-init shall run after this.
pub(crate) fn wanted() -> bool {
    Path::new(INIT).exists()
}

/// Reads, then becomes limen-init.
pub(crate) fn run() -> Result<()> {
    for folder in FOLDERS {
        read(Path::new(folder)).with_context(|| format!("read {folder}"))?;
    }
    if peers::present() {
        peers::in_child()?;
    }
    clock::settle(2000);
    Err(Command::new(INIT).exec()).context(INIT)
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
