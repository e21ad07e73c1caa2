//! `cargo xtask check`: what a commit must pass, in seconds once dependencies are compiled.

use std::process::Command;

use anyhow::Result;

use crate::process;
use crate::stage::{self, Stage};
use crate::workspace::Workspace;

/// Runs the stages of [`stages`].
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    stage::run_all(stages(workspace))
}

/// The stages that need neither the network nor an emulator.
pub(crate) fn stages(workspace: &Workspace) -> Vec<Stage<'_>> {
    let cargo = |name, arguments: &'static [&'static str]| {
        Stage::new(name, move || process::run(cargo(workspace).args(arguments)))
    };
    vec![
        cargo("format", &["fmt", "--all", "--check"]),
        cargo(
            "lints",
            &[
                "clippy",
                "--quiet",
                "--workspace",
                "--all-targets",
                "--",
                "--deny",
                "warnings",
            ],
        ),
        // Libraries and programs only: the tests crate's folders of scenarios boot guests.
        cargo(
            "unit tests",
            &["test", "--quiet", "--workspace", "--lib", "--bins"],
        ),
    ]
}

/// cargo in the workspace's root folder.
pub(crate) fn cargo(workspace: &Workspace) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace.root());
    command
}
