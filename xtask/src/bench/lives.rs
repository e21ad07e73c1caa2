//! Starts and ends of single units beside those of the peers, and the soak.
//!
//! The probe stands in the place of the steward, from which init can be asked without a network, and
//! before limen-init in the place of PID 1, where it starts the peers: one boot, one clock. The
//! probe's bundle was installed on the data disk by an ordinary box (`memory`), so its files are
//! where limen-install puts them.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limen_images::qemu::Clock;

use super::console::Console;
use super::guest::{Guest, Hardware, Stand};
use super::memory::Installed;
use super::{Figures, Subject, peers};
use crate::progress::Step;

/// Names of the probe's figures, and ours.
const FIGURES: [(&str, &str); 19] = [
    ("floor", "floor-fork-exec"),
    ("floor-bundle", "floor-bundle"),
    ("floor-vgw", "floor-vgw"),
    ("floor-restart", "floor-restart"),
    ("peer-bwrap", "peer-bwrap"),
    ("peer-crun", "peer-crun"),
    ("peer-runsv", "peer-runsv"),
    ("peer-s6", "peer-s6"),
    ("vgw-active", "vgw-cold"),
    ("vgw-and-bundle", "G2.vgw"),
    ("vgw-parked", "G1"),
    ("vgw-parked-and-bundle", "vgw-warm-with-bundle"),
    ("vgw-stop", "vgw-stop"),
    ("bundle", "G2.bundle"),
    ("bundle-active", "bundle-cold-active"),
    ("restart", "G4.cold"),
    ("restart-warm", "G4.warm"),
    ("vgw-alone", "vgw-start-1"),
    ("vgw-last", "vgw-start-64"),
];

/// The one of a box under load.
const LOADED: (&str, &str) = ("adjusted", "adjust");

/// What the probe read of memory, and our names.
const MEMORY: [(&str, &str); 7] = [
    ("floor", "memory-floor"),
    ("bwrap", "memory-peer-bwrap"),
    ("crun", "memory-peer-crun"),
    ("runsv", "memory-peer-runsv"),
    ("s6", "memory-peer-s6"),
    ("vgw-few", "vgw-memory-few"),
    ("vgw-many", "vgw-memory-many"),
];

/// For all samples: two minutes are usual.
const LIMIT: Duration = Duration::from_secs(1800);

/// For the soak.
const SOAK_LIMIT: Duration = Duration::from_secs(3600);

/// Adds the figures of single units and of the peers.
#[allow(clippy::cast_precision_loss, reason = "a share has four digits")]
pub(crate) fn measure(
    subject: &Subject<'_>,
    installed: &Installed,
    figures: &mut Figures,
) -> Result<()> {
    let trees = [peers::tree(subject)?];
    let drive = Drive {
        places: &[("limen-init", true), ("limen-steward", false)],
        trees: &trees,
        samples: subject.samples,
        soak: 0,
        load: false,
        limit: LIMIT,
    };
    let step = Step::start("starts, ends and peers on the instruction clock".to_owned());
    let said = drive.run(Clock::Instructions, subject, installed)?;
    let console = Console(&said);
    for figure in FIGURES {
        take(console, figure, figures)?;
    }
    for (theirs, ours) in MEMORY {
        let memory = console
            .memory(theirs)
            .with_context(|| format!("the probe did not say the memory of {theirs}"))?;
        figures.add_bytes(ours, 1024 * memory);
    }
    figures.add_growth("vgw-start-growth", "vgw-start-1", "vgw-start-64");
    figures.add_growth("vgw-memory-growth", "vgw-memory-few", "vgw-memory-many");
    let share = console.share().context("the probe did not say a share")?;
    figures.add("cpu-share-off", share.abs_diff(1000) as f64 / 10.0);
    step.done();
    let step = Step::start("a box under load on the instruction clock".to_owned());
    let loaded = Drive {
        places: &[("limen-steward", false)],
        trees: &[],
        load: true,
        ..drive
    };
    let said = loaded.run(Clock::Instructions, subject, installed)?;
    take(Console(&said), LOADED, figures)?;
    step.done();
    let step = Step::start("the same on the plain emulator's clock".to_owned());
    let said = drive.run(Clock::Host, subject, installed)?;
    plain(Console(&said), figures);
    step.done();
    Ok(())
}

/// Adds one figure of the probe's.
fn take(console: Console<'_>, (theirs, ours): (&str, &str), figures: &mut Figures) -> Result<()> {
    let figure = console
        .figure(theirs)
        .with_context(|| format!("the probe did not say {theirs}"))?;
    println!(
        "{ours}: least {}, middle {} of {} samples",
        figure.least, figure.middle, figure.count
    );
    figures.add_instructions(ours, figure.least);
    Ok(())
}

/// Adds what the plain emulator's clock says, of all that is not left out there for its length.
fn plain(console: Console<'_>, figures: &mut Figures) {
    for (theirs, ours) in FIGURES.into_iter().chain([LOADED]) {
        if let Some(figure) = console.figure(theirs) {
            figures.add_wall(ours, figure.middle);
        }
    }
}

/// Growth of PID 1 over a soak that is still called flat, KiB: a few pages that are touched for the
/// first time late.
const GROWTH: u64 = 16;

/// Adds the figures of a soak with so many restarts.
pub(crate) fn soak(
    subject: &Subject<'_>,
    installed: &Installed,
    restarts: u32,
    figures: &mut Figures,
) -> Result<()> {
    let step = Step::start(format!("soak of {restarts} restarts"));
    let drive = Drive {
        places: &[("limen-steward", false)],
        trees: &[],
        samples: 0,
        soak: restarts,
        load: false,
        limit: SOAK_LIMIT,
    };
    let said = drive.run(Clock::Instructions, subject, installed)?;
    let sizes = Console(&said).sizes();
    let (Some(first), Some(last)) = (sizes.first(), sizes.last()) else {
        anyhow::bail!("init did not say how large it is; a soak needs thousands of restarts");
    };
    ensure!(
        last.lives > first.lives,
        "a soak needs more than two thousand restarts"
    );
    println!("PID 1: {first:?} at first, {last:?} at last");
    let growth = last.resident.saturating_sub(first.resident);
    ensure!(
        growth <= GROWTH,
        "PID 1 grew by {growth} KiB in {restarts} restarts: it must not allocate after boot"
    );
    figures.add("soak-restarts", f64::from(restarts));
    figures.add_bytes("soak-resident-growth", 1024 * growth);
    if let Some(each) = Console(&said).soak_each() {
        figures.add_instructions("soak-restart", each);
    }
    step.done();
    Ok(())
}

/// A box that the probe drives.
struct Drive<'a> {
    places: &'a [(&'a str, bool)],
    trees: &'a [PathBuf],
    samples: u32,
    soak: u32,
    /// With one processor: the emulator runs several in turn on that clock, each until the next
    /// timer, and one that never rests leaves another standing for tens of milliseconds.
    load: bool,
    limit: Duration,
}

impl Drive<'_> {
    /// Boots it, and returns what it said.
    fn run(&self, clock: Clock, subject: &Subject<'_>, installed: &Installed) -> Result<String> {
        let stand = Stand {
            places: self.places,
            environment: vec![
                format!("PROBE_SLOT={}", installed.slot),
                format!("PROBE_DIGEST={}", installed.digest),
                format!("PROBE_SAMPLES={}", self.samples),
                format!("PROBE_SOAK={}", self.soak),
                format!("PROBE_LOAD={}", self.load),
                format!("PROBE_BRIEF={}", clock == Clock::Host),
            ],
            // They face the network, and one of them cannot do without a steward.
            without: &["mgmt", "dhcp"],
            trees: self.trees,
        };
        let image = stand.image(subject)?;
        let folder = subject.folder.join("boot");
        let hardware = Hardware {
            clock,
            processors: if self.load { 1 } else { 2 },
        };
        let mut guest = Guest::boot_on(hardware, &image, &installed.data, &folder)?;
        guest.hear(self.limit, |console| console.done())
    }
}
