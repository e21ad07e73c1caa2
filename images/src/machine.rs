//! A running emulator: spawned here, or found again by its folder
//!
//! Used by `xtask run` and `stop` and by the tests. Dropping a spawned machine ends it as a power cut
//! would, so a test that fails leaves nothing behind; [`Machine::detach`] lets it live on.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::qemu::{Configuration, PROGRAM, file};
use crate::qmp::Orders;
use crate::tool;

/// How often a wait looks.
const INTERVAL: Duration = Duration::from_millis(20);

/// An emulator that this process started.
#[derive(Debug)]
pub struct Machine {
    child: Child,
    folder: PathBuf,
    detached: bool,
}

impl Configuration {
    /// Starts the box. Logs and sockets of an earlier one in the same folder are replaced.
    ///
    /// # Errors
    /// A box runs in this folder already; the description is contradictory; the emulator is missing
    /// or ends at once (its own words are in the message).
    pub fn spawn(&self) -> Result<Machine> {
        fs::create_dir_all(&self.folder)
            .with_context(|| format!("create {}", self.folder.display()))?;
        if let Some(other) = Found::find(&self.folder) {
            bail!(
                "a box runs in {} already, as process {}: stop it first",
                self.folder.display(),
                other.pid()
            );
        }
        // The run before this one is often the one of interest.
        let _ = fs::rename(
            self.folder.join(file::SERIAL_LOG),
            self.folder.join(file::SERIAL_LOG_BEFORE),
        );
        // Only this run's words may be found in them.
        for name in [file::SERIAL_LOG, file::ORDERS, file::METER] {
            let _ = fs::remove_file(self.folder.join(name));
        }
        let absolute = self.with_absolute_paths()?;
        let log = File::create(self.folder.join(file::EMULATOR_LOG))?;
        let mut command = tool::command(PROGRAM);
        command
            .args(absolute.arguments()?)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Ctrl-C on the terminal is for the caller, who then ends the box in order.
            .process_group(0);
        let child = command
            .spawn()
            .with_context(|| format!("start {PROGRAM} (Debian package qemu-system-arm)"))?;
        let mut machine = Machine {
            child,
            folder: absolute.folder,
            detached: false,
        };
        fs::write(
            machine.folder.join(file::PROCESS),
            machine.pid().to_string(),
        )?;
        machine.wait_for_socket()?;
        Ok(machine)
    }

    /// The emulator runs in the box's folder; paths of the caller must not depend on that.
    fn with_absolute_paths(&self) -> Result<Self> {
        let absolute =
            |path: &Path| std::path::absolute(path).with_context(|| path.display().to_string());
        let mut copy = self.clone();
        copy.image.kernel = absolute(&self.image.kernel)?;
        copy.image.initramfs = absolute(&self.image.initramfs)?;
        copy.image.system = absolute(&self.image.system)?;
        copy.data = absolute(&self.data)?;
        copy.folder = absolute(&self.folder)?;
        Ok(copy)
    }
}

impl Machine {
    /// Process id of the emulator.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What the box wrote to its console so far.
    #[must_use]
    pub fn serial_log(&self) -> PathBuf {
        self.folder.join(file::SERIAL_LOG)
    }

    /// Socket of the serial port that the meter reads; connect with [`crate::qmp::connect`].
    #[must_use]
    pub fn meter_socket(&self) -> PathBuf {
        self.folder.join(file::METER)
    }

    /// Folder of its sockets and logs.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A connection for orders.
    ///
    /// # Errors
    /// As [`Orders::connect`].
    pub fn orders(&self) -> Result<Orders> {
        Orders::connect(&self.folder)
    }

    /// Waits until the console shows `marker` and returns the time that took.
    ///
    /// # Errors
    /// The emulator ended, or the time is over; the message holds the console's last lines.
    pub fn wait_for(&mut self, marker: &str, limit: Duration) -> Result<Duration> {
        let begin = Instant::now();
        loop {
            let ended = self.child.try_wait()?;
            // Read after the check, so that what was written last is seen.
            if self.console().contains(marker) {
                return Ok(begin.elapsed());
            }
            if let Some(status) = ended {
                bail!(
                    "the box ended ({status}) before it said \"{marker}\":\n{}",
                    self.last_words()
                );
            }
            if begin.elapsed() > limit {
                bail!(
                    "the box did not say \"{marker}\" in {} s:\n{}",
                    limit.as_secs(),
                    self.last_words()
                );
            }
            std::thread::sleep(INTERVAL);
        }
    }

    /// Waits for the end of the emulator.
    ///
    /// # Errors
    /// It still runs after `limit`.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                let _ = fs::remove_file(self.folder.join(file::PROCESS));
                return Ok(status);
            }
            ensure!(
                begin.elapsed() < limit,
                "the box still runs after {} s:\n{}",
                limit.as_secs(),
                self.last_words()
            );
            std::thread::sleep(INTERVAL);
        }
    }

    /// Ends the box in order: limen-init stops everything, then the emulator ends.
    ///
    /// # Errors
    /// The emulator does not answer, or the box still runs after `limit`.
    pub fn stop(&mut self, limit: Duration) -> Result<()> {
        self.orders()?.press_restart()?;
        self.wait(limit).map(drop)
    }

    /// A power cut: the emulator is killed between two instructions.
    ///
    /// # Errors
    /// The host refuses.
    pub fn cut_power(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        let _ = fs::remove_file(self.folder.join(file::PROCESS));
        Ok(())
    }

    /// Lets the box run on when this process ends; [`Found::find`] finds it again.
    pub fn detach(mut self) {
        self.detached = true;
    }

    /// The console's last lines, and the emulator's own words.
    #[must_use]
    pub fn last_words(&self) -> String {
        let console = self.console();
        let lines: Vec<_> = console.lines().collect();
        let own = fs::read_to_string(self.folder.join(file::EMULATOR_LOG)).unwrap_or_default();
        format!(
            "{}\n{own}",
            lines
                .get(lines.len().saturating_sub(30)..)
                .unwrap_or_default()
                .join("\n")
        )
    }

    fn console(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.serial_log()).unwrap_or_default()).into_owned()
    }

    /// The emulator makes its sockets after it has checked its arguments: then it runs.
    fn wait_for_socket(&mut self) -> Result<()> {
        let begin = Instant::now();
        while !self.folder.join(file::ORDERS).exists() {
            if let Some(status) = self.child.try_wait()? {
                bail!(
                    "the emulator ended at once ({status}):\n{}",
                    self.last_words()
                );
            }
            ensure!(
                begin.elapsed() < Duration::from_secs(10),
                "the emulator does not come up:\n{}",
                self.last_words()
            );
            std::thread::sleep(INTERVAL);
        }
        Ok(())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if !self.detached {
            // Already ended is as good.
            let _ = self.cut_power();
        }
    }
}

/// A box that another process started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pid: i32,
    folder: PathBuf,
}

impl Found {
    /// The box that runs in `folder`, if there is one.
    #[must_use]
    pub fn find(folder: &Path) -> Option<Self> {
        let pid: i32 = fs::read_to_string(folder.join(file::PROCESS))
            .ok()?
            .trim()
            .parse()
            .ok()?;
        let found = Self {
            pid,
            folder: folder.to_owned(),
        };
        found.is_running().then_some(found)
    }

    /// Process id of the emulator.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Whether it still runs.
    ///
    /// The id may have gone to another program since; the emulator is known by its working folder.
    #[must_use]
    pub fn is_running(&self) -> bool {
        let works_in = fs::read_link(format!("/proc/{}/cwd", self.pid));
        let here = fs::canonicalize(&self.folder);
        let name = fs::read_to_string(format!("/proc/{}/comm", self.pid)).unwrap_or_default();
        matches!((works_in, here), (Ok(one), Ok(other)) if one == other)
            && name.starts_with("qemu-system")
    }

    /// Ends the box in order, or by force when that takes longer than `limit`; returns whether it
    /// went in order.
    ///
    /// # Errors
    /// It cannot be ended at all.
    pub fn stop(&self, limit: Duration) -> Result<bool> {
        let asked = Orders::connect(&self.folder).and_then(|mut orders| orders.press_restart());
        if asked.is_ok() && self.ends_within(limit) {
            return Ok(true);
        }
        self.cut_power()?;
        Ok(false)
    }

    /// A power cut.
    ///
    /// # Errors
    /// The host refuses, or the emulator does not end.
    pub fn cut_power(&self) -> Result<()> {
        if self.is_running() {
            kill(Pid::from_raw(self.pid), Signal::SIGKILL)
                .with_context(|| format!("end process {}", self.pid))?;
        }
        ensure!(
            self.ends_within(Duration::from_secs(5)),
            "process {} does not end",
            self.pid
        );
        Ok(())
    }

    fn ends_within(&self, limit: Duration) -> bool {
        let begin = Instant::now();
        while self.is_running() {
            if begin.elapsed() > limit {
                return false;
            }
            std::thread::sleep(INTERVAL);
        }
        let _ = fs::remove_file(self.folder.join(file::PROCESS));
        true
    }
}
