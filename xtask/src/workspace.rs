//! Where things are: one place for every path that more than one verb uses.
//!
//! Everything made lies below cargo's target folder, so that `cargo clean` removes every trace.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The workspace's folders.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
    run: PathBuf,
}

impl Workspace {
    /// Finds the workspace that this program was built from.
    pub(crate) fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask has no folder above it")?
            .to_owned();
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => root.join(folder),
            None => root.join("target"),
        };
        // The scenarios boot their boxes beside a developer's own.
        let run = match env::var_os("LIMEN_RUN") {
            Some(folder) => root.join(folder),
            None => target.join("run"),
        };
        Ok(Self { root, target, run })
    }

    /// The folder of the workspace's `Cargo.toml`.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// cargo's target folder.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// What was installed privately for the build.
    pub(crate) fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }

    /// Everything of the box that `run` boots: credentials, data disk, logs, sockets. `LIMEN_RUN`
    /// in the environment names another folder for another box.
    pub(crate) fn run(&self) -> PathBuf {
        self.run.clone()
    }

    /// The private Python environment with the linker.
    pub(crate) fn wheels(&self) -> PathBuf {
        self.tools().join("venv")
    }
}
