//! `cargo xtask bench`: what the box costs, in instructions, memory and bytes.
//!
//! Prints a table and writes `target/bench.json`; a run with every part also writes its part of
//! `docs/benchmarks.md`. A figure above its goal is a figure; one that has moved from its budget
//! (`xtask/budgets.toml`) fails the run, once everything is written.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};
use limen_cross::Target;

use super::build;
use crate::bench::budget::Budgets;
use crate::bench::report::{self, Circumstances};
use crate::bench::{Figures, Subject, demonstration, lives, memory, sizes, storms};
use crate::limenctl::Limenctl;
use crate::process;
use crate::progress::heading;
use crate::workspace::Workspace;

/// The kernel that is measured unless another is asked for.
const KERNEL: &str = "6.12";

/// Command line of `bench`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Kernel of the box: 6.1 or 6.12
    #[arg(long, default_value = KERNEL)]
    kernel: String,
    /// Boots of each kind; the quickest counts
    #[arg(long, default_value_t = 5)]
    boots: u32,
    /// Samples of each start; the quickest counts
    #[arg(long, default_value_t = 30)]
    samples: u32,
    /// Restarts of the soak; 0 leaves it out
    #[arg(long, value_name = "COUNT", default_value_t = 2_500)]
    soak: u32,
    /// Only this part (repeatable)
    #[arg(long, value_enum)]
    only: Vec<Part>,
}

/// What can be measured by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Sizes of programs and images
    Sizes,
    /// The demonstration's boot
    Boot,
    /// Memory, and single starts and ends
    Lives,
    /// The endpoint while a bundle attacks
    Storms,
}

/// Measures.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let programs = build::programs(workspace, Target::Aarch64)?;
    let limenctl = Limenctl::build(workspace)?;
    let builder = build::images(workspace);
    let image = build::image(&builder, &arguments.kernel, &programs)?;
    let subject = Subject {
        folder: workspace.target().join("bench"),
        kernel: &arguments.kernel,
        builder: &builder,
        image: &image,
        programs: &programs,
        limenctl: &limenctl,
        boots: arguments.boots,
        samples: arguments.samples,
    };
    heading("measuring");
    let mut figures = Figures::default();
    let wanted = |part| arguments.only.is_empty() || arguments.only.contains(&part);
    if wanted(Part::Sizes) {
        sizes::measure(&subject, &mut figures)?;
    }
    if wanted(Part::Lives) {
        let installed = memory::measure(&subject, &mut figures)?;
        lives::measure(&subject, &installed, &mut figures)?;
        if arguments.soak > 0 {
            lives::soak(&subject, &installed, arguments.soak, &mut figures)?;
        }
    }
    if wanted(Part::Boot) {
        demonstration::measure(&subject, &mut figures)?;
    }
    if wanted(Part::Storms) {
        storms::measure(&subject, &mut figures)?;
    }
    println!("\n{}", report::table(&figures));
    write(workspace, arguments, &subject, &figures)?;
    // Budgets are those of one kernel.
    if arguments.kernel == KERNEL {
        Budgets::read(workspace)?.compare(&figures)?;
    }
    Ok(())
}

fn write(
    workspace: &Workspace,
    arguments: &Arguments,
    subject: &Subject<'_>,
    figures: &Figures,
) -> Result<()> {
    let path = workspace.target().join("bench.json");
    let text = serde_json::to_string_pretty(&report::json(figures))?;
    fs::write(&path, text + "\n").with_context(|| format!("cannot write {}", path.display()))?;
    println!("Written to {}.", path.display());
    if !arguments.only.is_empty() {
        return Ok(());
    }
    let circumstances = Circumstances {
        date: time::OffsetDateTime::now_utc().date().to_string(),
        kernel: subject.image.kernel_version.clone(),
        revision: revision(workspace)?,
        emulator: emulator()?,
        boots: subject.boots,
        samples: subject.samples,
    };
    let page = workspace.root().join("docs/benchmarks.md");
    let document =
        fs::read_to_string(&page).with_context(|| format!("cannot read {}", page.display()))?;
    let written = report::insert(&document, &report::page(figures, &circumstances))
        .with_context(|| format!("{} has lost the bench's two marks", page.display()))?;
    fs::write(&page, written).with_context(|| format!("cannot write {}", page.display()))?;
    println!("Written to {}.", page.display());
    Ok(())
}

fn revision(workspace: &Workspace) -> Result<String> {
    let mut git = Command::new("git");
    git.current_dir(workspace.root())
        .args(["describe", "--always", "--dirty=, changed"]);
    Ok(process::capture(&mut git)?.trim().to_owned())
}

fn emulator() -> Result<String> {
    let said = process::capture(Command::new(limen_images::qemu::PROGRAM).arg("--version"))?;
    let line = said.lines().next().unwrap_or_default();
    Ok(line.replace(" emulator version", ""))
}
