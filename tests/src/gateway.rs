//! An emulated box: boot, power cut, orderly end, serial log
//!
//! Made by `xtask run --detach`, in a folder of its own so that a developer's box beside it is not
//! touched. Dropping the gateway ends it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use limen_images::machine::Found;

use crate::console::Console;

/// A running gateway.
#[derive(Debug)]
pub struct Gateway {
    xtask: PathBuf,
    limenctl: PathBuf,
    folder: PathBuf,
    kernel: String,
    variables: BTreeMap<String, String>,
}

impl Gateway {
    /// Boots a fresh gateway with the demonstration on it.
    ///
    /// # Errors
    /// `xtask run` failed; its output is in the message.
    pub fn boot(xtask: &Path, limenctl: &Path, folder: &Path, kernel: &str) -> Result<Self> {
        let mut gateway = Self {
            xtask: xtask.to_owned(),
            limenctl: limenctl.to_owned(),
            folder: folder.to_owned(),
            kernel: kernel.to_owned(),
            variables: BTreeMap::new(),
        };
        if let Some(earlier) = Found::find(folder) {
            earlier.cut_power()?;
        }
        gateway.run(&["--fresh"])?;
        Ok(gateway)
    }

    /// Boots it again on the state that it has.
    ///
    /// # Errors
    /// As [`Gateway::boot`].
    pub fn boot_again(&mut self) -> Result<()> {
        self.run(&[])
    }

    /// Boots it again with more options of `xtask run`, and deploys nothing.
    ///
    /// # Errors
    /// As [`Gateway::boot`].
    pub fn boot_with(&mut self, options: &[&str]) -> Result<()> {
        self.run(&[&["--bare"], options].concat())
    }

    fn run(&mut self, more: &[&str]) -> Result<()> {
        self.xtask(
            ["run", "--detach", "--kernel", &self.kernel]
                .iter()
                .chain(more)
                .copied(),
        )?;
        self.variables = variables(&self.folder.join("env"))?;
        Ok(())
    }

    fn xtask<'a>(&self, arguments: impl Iterator<Item = &'a str>) -> Result<()> {
        let output = Command::new(&self.xtask)
            .args(arguments)
            .env("LIMEN_RUN", &self.folder)
            .output()
            .with_context(|| format!("cannot execute {}", self.xtask.display()))?;
        ensure!(
            output.status.success(),
            "xtask failed:\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }

    /// Cuts the power: the emulator is killed between two instructions.
    ///
    /// # Errors
    /// No emulator runs.
    pub fn cut_power(&self) -> Result<()> {
        self.found()?.cut_power()
    }

    /// Ends it in order, and says whether it went in order.
    ///
    /// # Errors
    /// No emulator runs, or it cannot be ended.
    pub fn stop(&self) -> Result<bool> {
        self.found()?.stop(crate::patience::PATIENCE)
    }

    fn found(&self) -> Result<Found> {
        Found::find(&self.folder).context("the gateway does not run")
    }

    /// Everything that the box said on its console since it booted.
    #[must_use]
    pub fn serial(&self) -> String {
        let bytes = fs::read(self.folder.join("serial.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// A variable of `target/run/env`.
    ///
    /// # Errors
    /// It is not there.
    pub fn variable(&self, name: &str) -> Result<&str> {
        match self.variables.get(name) {
            Some(value) => Ok(value),
            None => bail!("the environment file lacks {name}"),
        }
    }

    /// The kernel that it runs.
    #[must_use]
    pub fn kernel(&self) -> &str {
        &self.kernel
    }

    /// The folder of its sockets, credentials and logs.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// limenctl's program.
    #[must_use]
    pub fn limenctl(&self) -> &Path {
        &self.limenctl
    }

    /// A console with the certificate of `OPERATOR`, `ENERGY` or `ALARM`.
    ///
    /// # Errors
    /// The environment file lacks a variable.
    pub fn console(&self, who: &str) -> Result<Console> {
        Ok(Console::new(
            &self.limenctl,
            self.variable("LIMEN_URL")?,
            self.variable("LIMEN_CA")?,
            self.variable(&format!("LIMEN_{who}_CERT"))?,
            self.variable(&format!("LIMEN_{who}_KEY"))?,
        ))
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if let Some(found) = Found::find(&self.folder) {
            // Nothing can be done about a failure here; the next boot ends it again.
            let _ = found.cut_power();
        }
    }
}

/// Reads `export NAME='value'` lines. Values of the harness's own folders hold no quotes.
fn variables(path: &Path) -> Result<BTreeMap<String, String>> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let mut found = BTreeMap::new();
    for line in text.lines() {
        let (name, value) = line
            .strip_prefix("export ")
            .and_then(|line| line.split_once('='))
            .with_context(|| format!("{}: cannot read \"{line}\"", path.display()))?;
        found.insert(name.to_owned(), value.trim_matches('\'').to_owned());
    }
    Ok(found)
}
