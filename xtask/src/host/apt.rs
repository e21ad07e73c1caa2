//! Installing Debian packages: as root, through sudo without a question, or not at all.
//!
//! Where neither is possible, the exact commands are the error's text: nothing is half done.

use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::packages::Package;
use crate::process;

/// Neither root nor sudo without a password.
#[derive(Debug, thiserror::Error)]
#[error(
    "these packages are missing and installing them takes root:\n\n{reasons}\n\
     Install them and try again:\n\n  sudo apt-get update\n  \
     sudo apt-get install --no-install-recommends {names}\n"
)]
pub(crate) struct MayNotInstall {
    reasons: String,
    names: String,
}

/// Installs the packages, after saying what and why.
pub(crate) fn install(missing: &[Package]) -> Result<()> {
    let Some(privilege) = Privilege::find() else {
        return Err(MayNotInstall {
            reasons: reasons(missing),
            names: missing
                .iter()
                .map(|package| package.name)
                .collect::<Vec<_>>()
                .join(" "),
        }
        .into());
    };
    eprint!("Installing Debian packages:\n\n{}\n", reasons(missing));
    // The lists of a fresh machine are empty or old; where they are not, updating only delays.
    if process::run(&mut privilege.install(missing)).is_err() {
        process::run(&mut privilege.apt(&["update"]))?;
        process::run(&mut privilege.install(missing))
            .context("apt-get cannot install them, though its lists are current")?;
    }
    Ok(())
}

fn reasons(packages: &[Package]) -> String {
    packages
        .iter()
        .map(|package| format!("  {:<18} {}\n", package.name, package.why))
        .collect()
}

/// How root's rights are had.
enum Privilege {
    Root,
    Sudo,
}

impl Privilege {
    fn find() -> Option<Self> {
        if rustix::process::geteuid().is_root() {
            return Some(Self::Root);
        }
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "true"])
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        sudo.status()
            .is_ok_and(|status| status.success())
            .then_some(Self::Sudo)
    }

    fn install(&self, packages: &[Package]) -> Command {
        let mut command = self.apt(&["install", "--yes", "--no-install-recommends"]);
        command.args(packages.iter().map(|package| package.name));
        command
    }

    fn apt(&self, arguments: &[&str]) -> Command {
        let mut command = match self {
            Self::Root => Command::new("env"),
            Self::Sudo => {
                let mut sudo = Command::new("sudo");
                sudo.args(["-n", "env"]);
                sudo
            }
        };
        command
            .args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet"])
            .args(arguments);
        command
    }
}
