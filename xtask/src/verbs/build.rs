//! `cargo xtask build`: limenctl, the box programs, the image; no boot.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use limen_cross::{Build, Built, Group, Program, Target, program};
use limen_images::image::{Builder, Image};
use limen_images::kernel;

use super::setup;
use crate::budget::Budgets;
use crate::limenctl::Limenctl;
use crate::progress::heading;
use crate::workspace::Workspace;

/// Command line of `build`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The machine to build for; an image is built for the emulated box's, aarch64, alone
    #[arg(long, default_value = "aarch64")]
    arch: Target,
}

/// Builds for one machine.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    match arguments.arch {
        Target::Aarch64 => everything(workspace),
        Target::Armv7 => list(Target::Armv7, &programs(workspace, Target::Armv7)?),
    }
}

/// Builds all that a box and its users need, and prints what came out.
pub(crate) fn everything(workspace: &Workspace) -> Result<()> {
    let built = programs(workspace, Target::Aarch64)?;
    list(Target::Aarch64, &built)?;
    let budgets = Budgets::read(workspace)?;
    let core = built
        .iter()
        .filter(|item| item.program.group == Group::Core);
    let sizes: Vec<_> = core
        .map(|item| Ok((item.program.name, size(item)?)))
        .collect::<Result<_>>()?;
    budgets.programs(sizes)?;
    heading("limenctl for this machine");
    let limenctl = Limenctl::build(workspace)?;
    println!("limenctl: {}", limenctl.program().display());
    heading("images");
    for pin in kernel::pins()? {
        let image = image(&images(workspace), &pin.name, &built)?;
        println!("Image with kernel {} ({}):", pin.name, image.kernel_version);
        let sizes = image.sizes()?;
        for (part, size) in &sizes {
            println!("  {part:<14} {:>6} KiB", size.div_ceil(1024));
        }
        // The kernel is Debian's; its size is nobody's decision here.
        budgets.images(sizes.into_iter().filter(|(part, _)| *part != "kernel"))?;
    }
    Ok(())
}

fn list(target: Target, built: &[Built]) -> Result<()> {
    println!("Programs for {target}:");
    for item in built {
        println!(
            "  {:<14} {:>6} KiB  {}",
            item.program.name,
            size(item)?.div_ceil(1024),
            item.program.why
        );
    }
    Ok(())
}

fn size(item: &Built) -> Result<u64> {
    let read = fs::metadata(&item.path);
    Ok(read
        .with_context(|| format!("cannot read {}", item.path.display()))?
        .len())
}

/// Cross-compiles every program of the box.
pub(crate) fn programs(workspace: &Workspace, target: Target) -> Result<Vec<Built>> {
    compile(workspace, target, "box programs", program::BOX)
}

/// Cross-compiles the programs that walk through the box's, for the emulated box.
pub(crate) fn walks(workspace: &Workspace) -> Result<Vec<Built>> {
    compile(workspace, Target::Aarch64, "walks", program::WALKS)
}

fn compile(
    workspace: &Workspace,
    target: Target,
    what: &str,
    programs: &'static [Program],
) -> Result<Vec<Built>> {
    let ready = setup::ready(workspace, target)?;
    heading(&format!(
        "{what} for {target}, with {}",
        ready.compiler.describe()
    ));
    let build = Build {
        workspace: workspace.root(),
        output: workspace.target(),
        target,
        compiler: ready.compiler,
        wheels: &ready.wheels,
    };
    Ok(build.run(programs)?)
}

/// The builder of images, with its files below cargo's target folder.
pub(crate) fn images(workspace: &Workspace) -> Builder {
    Builder::new(workspace.target(), |line| eprintln!("    {line}"))
}

/// The image of one kernel, with the core's programs.
pub(crate) fn image(builder: &Builder, kernel: &str, built: &[Built]) -> Result<Image> {
    let core: Vec<(String, PathBuf)> = built
        .iter()
        .filter(|item| item.program.group == Group::Core)
        .map(|item| (item.program.name.to_owned(), item.path.clone()))
        .collect();
    builder.build(kernel, &core)
}
