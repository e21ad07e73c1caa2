//! `cargo xtask check`: what a commit must pass, in seconds once dependencies are compiled.

use std::process::Command;

use anyhow::Result;

use crate::process;
use crate::stage::{self, Outcome, Stage};
use crate::workspace::Workspace;

/// Runs the stages.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut stages = style(workspace);
    // Libraries and programs only: what starts programs of its own takes longer.
    stages.push(Stage::new("unit tests", || {
        process::run(cargo(workspace).args(["test", "--quiet", "--workspace", "--lib", "--bins"]))
    }));
    stage::run_all(stages)
}

/// Format, lints and house rules.
pub(crate) fn style(workspace: &Workspace) -> Vec<Stage<'_>> {
    vec![
        Stage::optional("format", || {
            component(workspace, "fmt", "rustfmt", &["--all", "--check"])
        }),
        Stage::optional("lints", || {
            let arguments = [
                "--quiet",
                "--workspace",
                "--all-targets",
                "--",
                "--deny",
                "warnings",
            ];
            component(workspace, "clippy", "clippy", &arguments)
        }),
        Stage::new("house rules", || {
            let arguments = [
                "test",
                "--quiet",
                "--package",
                "limen-tests",
                "--test",
                "architecture",
            ];
            process::run(cargo(workspace).args(arguments))
        }),
    ]
}

/// A cargo subcommand of a rustup component; Debian's current toolchain comes without them.
fn component(
    workspace: &Workspace,
    verb: &str,
    component: &str,
    arguments: &[&str],
) -> Result<Outcome> {
    if process::capture(cargo(workspace).args([verb, "--version"])).is_err() {
        return Ok(Outcome::Skipped(format!(
            "{component} is not installed; `rustup component add {component}`"
        )));
    }
    process::run(cargo(workspace).arg(verb).args(arguments)).map(|()| Outcome::Passed)
}

/// cargo in the workspace's root folder.
pub(crate) fn cargo(workspace: &Workspace) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    limen_cross::forget_outer_package(&mut command).current_dir(workspace.root());
    command
}
