//! `cargo xtask setup`: this machine gets what the other verbs need.
//!
//! Idempotent: when nothing is missing it only looks, in well under a second, and so every other
//! verb that needs it calls it first.

use anyhow::Result;
use limen_cross::{Compiler, Target, Wheels};

use crate::host::{self, Installed, Package};
use crate::progress::Step;
use crate::workspace::Workspace;

/// Command line of `setup`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The machine that will be built for
    #[arg(long, default_value = "aarch64")]
    arch: Target,
}

/// What the set-up found or installed.
pub(crate) struct Ready {
    /// The compiler for the box.
    pub(crate) compiler: Compiler,
    /// The linker for the box.
    pub(crate) wheels: Wheels,
}

/// Sets up and tells.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let ready = ready(workspace, arguments.arch)?;
    println!("Everything is there.");
    println!(
        "  compiler for {:<8} {}",
        arguments.arch.name(),
        ready.compiler.describe()
    );
    println!("  linker                {}", ready.wheels.zig().display());
    Ok(())
}

/// Installs what is missing to build for `target` and to boot it.
pub(crate) fn ready(workspace: &Workspace, target: Target) -> Result<Ready> {
    let missing = missing(host::ALWAYS)?;
    if !missing.is_empty() {
        host::install(&missing)?;
    }
    Ok(Ready {
        wheels: wheels(workspace)?,
        compiler: compiler(workspace, target)?,
    })
}

fn missing(packages: &[Package]) -> Result<Vec<Package>> {
    let installed = Installed::read()?;
    Ok(packages
        .iter()
        .filter(|package| !installed.has(package.name))
        .copied()
        .collect())
}

fn wheels(workspace: &Workspace) -> Result<Wheels> {
    let root = workspace.wheels();
    if let Some(wheels) = Wheels::open(&root) {
        return Ok(wheels);
    }
    let step = Step::start(
        "installing the linker (cargo-zigbuild and ziglang, pinned in cross/wheels.txt)",
    );
    let wheels = Wheels::install(&root)?;
    step.done();
    Ok(wheels)
}

fn compiler(workspace: &Workspace, target: Target) -> Result<Compiler> {
    let find = || Compiler::find(target, workspace.root(), &workspace.tools());
    match find() {
        Ok(compiler) => Ok(compiler),
        // Even one that is installed is named: apt-get then upgrades it.
        Err(_) => {
            host::install(host::CROSS_COMPILER)?;
            Ok(find()?)
        }
    }
}
