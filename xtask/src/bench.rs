//! Measuring: what is measured, how, and how it is told.
//!
//! | file | noun |
//! | --- | --- |
//! | `figure` | one number with its unit, goal and peer |
//! | `catalogue` | every figure that there is |
//! | `console` | what a guest's console says (pure) |
//! | `report` | table, JSON and page (pure) |
//! | `guest` | a box that is booted to be measured |
//! | `peers` | programs of Debian's that are measured beside ours |
//! | `demonstration`, `memory`, `lives`, `storms`, `sizes` | the measurements |
//! | `budget` | what a figure may be until a commit says otherwise |
//!
//! Time is counted in instructions: the emulator runs `-icount shift=0,sleep=off`, where one
//! nanosecond of the guest's clock is one instruction. Of several boots or samples the least is
//! taken, because whatever disturbs can only add.

pub(crate) mod budget;
pub(crate) mod catalogue;
mod console;
pub(crate) mod demonstration;
mod figure;
mod guest;
pub(crate) mod lives;
pub(crate) mod memory;
mod peers;
pub(crate) mod report;
pub(crate) mod sizes;
pub(crate) mod storms;

pub(crate) use figure::Figures;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use limen_cross::Built;
use limen_images::image::{Builder, Image};

use crate::limenctl::Limenctl;

/// What is measured, and how often.
#[derive(Debug)]
pub(crate) struct Subject<'a> {
    /// Files of the bench.
    pub(crate) folder: PathBuf,
    /// Name of the kernel for `run --kernel`.
    pub(crate) kernel: &'a str,
    /// Builds variants of the image.
    pub(crate) builder: &'a Builder,
    /// The ordinary image.
    pub(crate) image: &'a Image,
    /// The box's programs.
    pub(crate) programs: &'a [Built],
    /// The only way to an ordinary box.
    pub(crate) limenctl: &'a Limenctl,
    /// Boots of each kind.
    pub(crate) boots: u32,
    /// Samples of each start.
    pub(crate) samples: u32,
}

/// A program of the box.
fn program<'a>(programs: &'a [Built], name: &str) -> Result<&'a Path> {
    programs
        .iter()
        .find(|built| built.program.name == name)
        .map(|built| built.path.as_path())
        .with_context(|| format!("{name} was not built"))
}

/// The least of some measurements.
fn least(times: &[u64]) -> Result<u64> {
    times
        .iter()
        .min()
        .copied()
        .context("nothing was measured; ask for at least one boot")
}
