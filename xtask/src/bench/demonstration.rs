//! How long the demonstration's box takes from PID 1's first instruction.
//!
//! An ordinary boot enrols and deploys, as `cargo xtask run` does for anybody; then the same data
//! disk is booted on the instruction clock, on which no network works in time, and init's console
//! lines tell the rest.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::console::Console;
use super::guest::{Guest, Hardware, Stand};
use super::{Figures, Subject, least};
use crate::demonstration::BUNDLES;
use crate::process;
use crate::progress::Step;

/// Virtual gateways of the demonstration, as init names them.
const VGWS: [&str; 2] = ["energy", "alarm"];

/// For one boot: half a minute is usual.
const LIMIT: Duration = Duration::from_secs(300);

/// Adds the figures.
pub(crate) fn measure(subject: &Subject<'_>, figures: &mut Figures) -> Result<()> {
    let data = deploy(subject)?;
    let bundles: Vec<_> = BUNDLES.iter().map(|bundle| bundle.name).collect();
    let image = Stand::WARM.image(subject)?;
    let (mut core, mut vgws, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for number in 1..=subject.boots {
        let step = Step::start(format!("demonstration on the instruction clock, {number}"));
        let mut guest = Guest::boot(&image, &data, &subject.folder.join("boot"))?;
        let said = guest.hear(LIMIT, |console| {
            console.core_active().is_some()
                && last(console, &VGWS).is_some()
                && last(console, &bundles).is_some()
        })?;
        let console = Console(&said);
        core.extend(console.core_active());
        vgws.extend(last(console, &VGWS));
        all.extend(last(console, &bundles));
        step.done();
    }
    let step = Step::start("the same on the plain emulator's clock".to_owned());
    let mut guest = Guest::boot_on(Hardware::PLAIN, &image, &data, &subject.folder.join("boot"))?;
    let said = guest.hear(LIMIT, |console| {
        console.core_active().is_some() && last(console, &bundles).is_some()
    })?;
    let console = Console(&said);
    let walls = [
        ("boot-core-active", console.core_active()),
        ("boot-vgws-active", last(console, &VGWS)),
        ("boot-bundles-active", last(console, &bundles)),
    ];
    for (name, wall) in walls {
        if let Some(wall) = wall {
            figures.add_wall(name, 1000 * wall);
        }
    }
    step.done();
    figures.add_instructions("boot-core-active", 1000 * least(&core)?);
    figures.add_instructions("boot-vgws-active", 1000 * least(&vgws)?);
    figures.add_instructions("boot-bundles-active", 1000 * least(&all)?);
    Ok(())
}

/// When the last of the units was active; none when one of them is not.
pub(super) fn last(console: Console<'_>, units: &[&str]) -> Option<u64> {
    let times: Option<Vec<_>> = units.iter().map(|unit| console.active(unit)).collect();
    times?.into_iter().max()
}

/// Deploys on an ordinary boot and stops in order; returns the data disk.
fn deploy(subject: &Subject<'_>) -> Result<PathBuf> {
    let run = subject.folder.join("demonstration");
    let program = std::env::current_exe().context("cannot find this program")?;
    let xtask = |words: &[&str]| {
        let mut command = Command::new(&program);
        command.args(words).env("LIMEN_RUN", &run);
        process::run(&mut command)
    };
    // One that an interrupted bench left behind.
    xtask(&["stop"])?;
    xtask(&["run", "--kernel", subject.kernel, "--detach", "--fresh"])?;
    xtask(&["stop"])?;
    Ok(run.join("data.img"))
}
