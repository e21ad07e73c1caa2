//! `cargo xtask build`: limenctl, the box programs, the image; no boot.

use std::fs;

use anyhow::{Context, Result};
use limen_cross::{Build, Built, Target, program};

use super::setup;
use crate::progress::heading;
use crate::workspace::Workspace;

/// Command line of `build`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The machine to build for; an image is built for the emulated box's, aarch64, alone
    #[arg(long, default_value = "aarch64")]
    arch: Target,
}

/// Builds, and prints what came out.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let built = programs(workspace, arguments.arch)?;
    println!("Programs for {}:", arguments.arch);
    for item in &built {
        let size = fs::metadata(&item.path)
            .with_context(|| format!("cannot read {}", item.path.display()))?
            .len();
        println!(
            "  {:<14} {:>6} KiB  {}",
            item.program.name,
            size.div_ceil(1024),
            item.program.why
        );
    }
    Ok(())
}

/// Cross-compiles every program of the box.
pub(crate) fn programs(workspace: &Workspace, target: Target) -> Result<Vec<Built>> {
    let ready = setup::ready(workspace, target)?;
    heading(&format!(
        "box programs for {target}, with {}",
        ready.compiler.describe()
    ));
    let build = Build {
        workspace: workspace.root(),
        output: workspace.target(),
        target,
        compiler: ready.compiler,
        wheels: &ready.wheels,
    };
    Ok(build.run(program::BOX)?)
}
