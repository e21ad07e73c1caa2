//! limenctl with somebody's certificate
//!
//! The only way in which a scenario manages a gateway. Every outcome keeps exit status and both
//! streams, because what a refusal says is part of what is tested.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

/// Who speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Console {
    program: PathBuf,
    url: String,
    authority: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
}

/// How a command ended.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What was run.
    pub command: String,
    /// Exit status; none after a signal.
    pub status: Option<i32>,
    /// Standard output.
    pub output: String,
    /// Standard error.
    pub error: String,
}

impl Console {
    /// A console that talks to `url` and trusts `authority`.
    #[must_use]
    pub fn new(program: &Path, url: &str, authority: &str, certificate: &str, key: &str) -> Self {
        Self {
            program: program.to_owned(),
            url: url.to_owned(),
            authority: authority.into(),
            certificate: certificate.into(),
            key: key.into(),
        }
    }

    /// The same with another certificate.
    #[must_use]
    pub fn with_certificate(&self, certificate: &Path, key: &Path) -> Self {
        Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            ..self.clone()
        }
    }

    /// The same trusting another authority.
    #[must_use]
    pub fn trusting(&self, authority: &Path) -> Self {
        Self {
            authority: authority.to_owned(),
            ..self.clone()
        }
    }

    /// Runs a command, whatever comes of it.
    ///
    /// # Errors
    /// limenctl cannot be executed.
    pub fn run(&self, arguments: &[&str]) -> Result<Outcome> {
        let output = Command::new(&self.program)
            .args(arguments)
            .env("LIMEN_URL", &self.url)
            .env("LIMEN_CA", &self.authority)
            .env("LIMEN_CERT", &self.certificate)
            .env("LIMEN_KEY", &self.key)
            .output()
            .with_context(|| format!("cannot execute {}", self.program.display()))?;
        Ok(Outcome {
            command: format!("limenctl {}", arguments.join(" ")),
            status: output.status.code(),
            output: String::from_utf8_lossy(&output.stdout).into_owned(),
            error: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Runs a command that must succeed and returns its JSON.
    ///
    /// # Errors
    /// It failed, or did not print JSON.
    pub fn json(&self, arguments: &[&str]) -> Result<Value> {
        let mut all = vec!["--json"];
        all.extend(arguments);
        let outcome = self.run(&all)?.succeeded()?;
        serde_json::from_str(&outcome.output)
            .with_context(|| format!("{} did not print JSON: {}", outcome.command, outcome.output))
    }

    /// Runs a command that must be refused, and returns how.
    ///
    /// # Errors
    /// It succeeded, or it ended by a signal or a panic: an error is not a refusal.
    pub fn refused(&self, arguments: &[&str]) -> Result<Outcome> {
        let outcome = self.run(arguments)?;
        match outcome.status {
            Some(0) => bail!("{} succeeded: {}", outcome.command, outcome.output),
            Some(status) if status < 100 => Ok(outcome),
            other => bail!(
                "{} ended with {other:?}: {}",
                outcome.command,
                outcome.error
            ),
        }
    }
}

impl Outcome {
    /// The outcome, if it is a success.
    ///
    /// # Errors
    /// It is not.
    pub fn succeeded(self) -> Result<Self> {
        ensure!(
            self.status == Some(0),
            "{} ended with {:?}: {}{}",
            self.command,
            self.status,
            self.error,
            self.output
        );
        Ok(self)
    }

    /// Asserts that what was said contains each of `words`.
    ///
    /// # Errors
    /// One is missing.
    pub fn says(&self, words: &[&str]) -> Result<()> {
        for word in words {
            ensure!(
                self.error.contains(word) || self.output.contains(word),
                "{} does not say \"{word}\": {}{}",
                self.command,
                self.error,
                self.output
            );
        }
        Ok(())
    }
}
