//! limenctl, called as a person would: every act of the demonstration goes through it.
//!
//! Nothing here speaks a protocol of the box. What the demonstration can do, anyone with the same
//! certificate can do by the same commands.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::credentials::Credentials;
use crate::environment;
use crate::ports::Ports;
use crate::process;
use crate::verbs::check::cargo;
use crate::workspace::Workspace;

/// The program, built for this machine.
#[derive(Clone, Debug)]
pub(crate) struct Limenctl {
    program: PathBuf,
}

impl Limenctl {
    /// Builds it, as far as it is not built.
    pub(crate) fn build(workspace: &Workspace) -> Result<Self> {
        process::run(cargo(workspace).args(["build", "--package", "limenctl"]))?;
        Ok(Self {
            program: workspace.target().join("debug/limenctl"),
        })
    }

    /// Where it is.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// Makes a provider's pair of signing keys.
    pub(crate) fn keygen(&self, secret: &Path, public: &Path) -> Result<()> {
        let mut command = Command::new(&self.program);
        command
            .args(["bundle", "keygen", "--secret"])
            .arg(secret)
            .arg("--public")
            .arg(public);
        process::capture(&mut command).map(drop)
    }

    /// Packs a manifest and a root into a bundle.
    pub(crate) fn pack(&self, manifest: &Path, root: &Path, bundle: &Path) -> Result<()> {
        let mut command = Command::new(&self.program);
        command
            .args(["bundle", "pack"])
            .arg(manifest)
            .arg(root)
            .arg(bundle);
        process::capture(&mut command).map(drop)
    }

    /// Signs a bundle in place.
    pub(crate) fn sign(&self, bundle: &Path, secret: &Path) -> Result<()> {
        let mut command = Command::new(&self.program);
        command
            .args(["bundle", "sign"])
            .arg(bundle)
            .arg("--secret")
            .arg(secret);
        process::capture(&mut command).map(drop)
    }

    /// A console with the certificate of `operator` or a provider.
    pub(crate) fn console<'a>(
        &'a self,
        ports: Ports,
        credentials: &'a Credentials,
        of: &'a str,
    ) -> Console<'a> {
        Console {
            limenctl: self,
            url: environment::url(ports),
            credentials,
            of,
        }
    }
}

/// limenctl with somebody's certificate.
#[derive(Clone, Debug)]
pub(crate) struct Console<'a> {
    limenctl: &'a Limenctl,
    url: String,
    credentials: &'a Credentials,
    of: &'a str,
}

impl Console<'_> {
    /// Runs a command of words and paths, and returns the JSON that it prints.
    pub(crate) fn json(&self, arguments: &[&str]) -> Result<Value> {
        let printed = process::capture(&mut self.command(arguments))?;
        serde_json::from_str(&printed).with_context(|| {
            format!(
                "`limenctl {}` did not print JSON: {printed}",
                arguments.join(" ")
            )
        })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.limenctl.program());
        command
            .arg("--json")
            .args(arguments)
            .env("LIMEN_URL", &self.url)
            .env("LIMEN_CA", self.credentials.authority("operator"))
            .env("LIMEN_CERT", self.credentials.certificate(self.of))
            .env("LIMEN_KEY", self.credentials.key(self.of));
        command
    }
}
