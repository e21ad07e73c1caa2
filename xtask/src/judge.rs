//! Judges of the dependencies: cargo-deny for licences and sources, cargo-audit for advisories.
//!
//! Neither is a Debian package; both are built from the registry, once, into `target/tools`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;
use crate::progress::heading;
use crate::stage::Outcome;
use crate::verbs::check::cargo;
use crate::workspace::Workspace;

/// A program that cargo installs.
struct Tool {
    name: &'static str,
    version: &'static str,
}

/// Without its default features it cannot fetch, and builds in a minute.
const DENY: Tool = Tool {
    name: "cargo-deny",
    version: "0.20.2",
};
const AUDIT: Tool = Tool {
    name: "cargo-audit",
    version: "0.22.2",
};

/// Every dependency's licence, source and version is one that `deny.toml` allows.
pub(crate) fn licences(workspace: &Workspace) -> Result<()> {
    let deny = install(workspace, &DENY, &["--no-default-features"])?;
    // As cargo would call it: the subcommand's name is the first argument of the program.
    let mut command = Command::new(deny);
    command
        .current_dir(workspace.root())
        .args(["check", "licenses", "bans", "sources"]);
    process::run(&mut command)
}

/// No dependency has a known vulnerability, as far as the database can be fetched.
pub(crate) fn advisories(workspace: &Workspace) -> Result<Outcome> {
    let audit = install(workspace, &AUDIT, &[])?;
    let database = workspace.tools().join("advisories");
    let judge = || {
        let mut command = Command::new(&audit);
        command
            .current_dir(workspace.root())
            .arg("audit")
            .arg("--db")
            .arg(&database);
        command
    };
    // An empty lock file has no vulnerability: what fails then is fetching.
    let empty = workspace.tools().join("empty.lock");
    std::fs::write(&empty, "version = 4\n").context("cannot write target/tools/empty.lock")?;
    if let Err(error) = process::capture(judge().arg("--file").arg(&empty)) {
        return Ok(Outcome::Skipped(format!(
            "the advisory database cannot be fetched: {error:#}"
        )));
    }
    process::run(judge().args(["--no-fetch", "--deny", "warnings"])).map(|()| Outcome::Passed)
}

/// The program's path, built when that version is not there yet.
fn install(workspace: &Workspace, tool: &Tool, features: &[&str]) -> Result<PathBuf> {
    let root = workspace
        .tools()
        .join(format!("{}-{}", tool.name, tool.version));
    let program = root.join("bin").join(tool.name);
    if program.exists() {
        return Ok(program);
    }
    heading(&format!("building {} {} (once)", tool.name, tool.version));
    let mut command = cargo(workspace);
    command
        .args([
            "install",
            "--locked",
            "--quiet",
            tool.name,
            "--version",
            tool.version,
            "--root",
        ])
        .arg(&root)
        .args(features)
        // Its speed does not matter, the time to build it does.
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_TARGET_DIR", workspace.tools().join("building"));
    process::run(&mut command)?;
    Ok(program)
}
