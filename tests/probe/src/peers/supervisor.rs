//! Programs that start a program again when it has ended; none of them isolates

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context as _, Result};

use super::FOLDER;
use super::started::Started;
use crate::clock;
use crate::samples::Samples;

/// Before each kill, milliseconds: whoever restarts at most once a second is not kept waiting.
const ACTIVE: u64 = 2000;

/// A kind of supervisor.
pub(super) struct Supervisor {
    pub(super) name: &'static str,
    command: fn(&Path) -> Command,
}

/// All of them.
pub(super) const ALL: [Supervisor; 2] = [
    Supervisor {
        name: "runsv",
        command: |folder| of("/usr/bin/runsv", folder),
    },
    Supervisor {
        name: "s6",
        command: |folder| of("/usr/bin/s6-supervise", folder),
    },
];

fn of(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg(folder);
    command
}

impl Supervisor {
    /// Starts one with a service of its own, which is this program.
    pub(super) fn start(&self, number: usize) -> Result<Started> {
        let folder = PathBuf::from(FOLDER).join(format!("{}{number}", self.name));
        if !folder.exists() {
            fs::create_dir(&folder).context("make a service's folder")?;
            let program = env::current_exe().context("find this program")?;
            symlink(program, folder.join("run")).context("make a service")?;
        }
        Started::begin(&mut (self.command)(&folder))
    }

    /// SIGKILL of the service to the first statement of its successor.
    pub(super) fn restarts(&self, count: usize) -> Result<()> {
        let mut one = self.start(0)?;
        let mut samples = Samples::default();
        for _ in 0..count {
            clock::settle(ACTIVE);
            let asked = clock::now();
            one.kill_payload()?;
            samples.add(asked, one.successor()?);
        }
        samples.show(&format!("peer-{}", self.name));
        one.stop()
    }
}
