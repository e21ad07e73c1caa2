//! Starts and ends of single units, and the soak: the probe in the place of the steward.
//!
//! The steward's place is the one from which init can be asked without a network. The probe's
//! bundle was installed on the data disk by an ordinary box (`memory`), so its files are where
//! limen-install puts them.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::console::Console;
use super::guest::{Guest, Stand};
use super::memory::Installed;
use super::{Figures, Subject};
use crate::progress::Step;

/// Names of the probe's figures, and ours.
const FIGURES: [(&str, &str); 6] = [
    ("vgw-active", "vgw-cold"),
    ("vgw-and-bundle", "vgw-cold-with-bundle"),
    ("vgw-stop", "vgw-stop"),
    ("bundle", "bundle-cold"),
    ("bundle-active", "bundle-cold-active"),
    ("restart", "bundle-restart"),
];

/// For all samples: two minutes are usual.
const LIMIT: Duration = Duration::from_secs(900);

/// For the soak.
const SOAK_LIMIT: Duration = Duration::from_secs(3600);

/// Adds the figures of single units.
pub(crate) fn measure(
    subject: &Subject<'_>,
    installed: &Installed,
    figures: &mut Figures,
) -> Result<()> {
    let step = Step::start("starts and ends on the instruction clock".to_owned());
    let said = drive(subject, installed, subject.samples, 0, LIMIT)?;
    for (theirs, ours) in FIGURES {
        let figure = Console(&said)
            .figure(theirs)
            .with_context(|| format!("the probe did not say {theirs}"))?;
        println!(
            "{ours}: least {}, middle {} of {} samples",
            figure.least, figure.middle, figure.count
        );
        figures.add_instructions(ours, figure.least);
    }
    step.done();
    Ok(())
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
    let said = drive(subject, installed, 0, restarts, SOAK_LIMIT)?;
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

fn drive(
    subject: &Subject<'_>,
    installed: &Installed,
    samples: u32,
    soak: u32,
    limit: Duration,
) -> Result<String> {
    let stand = Stand {
        name: "limen-steward",
        keeps: false,
        environment: vec![
            format!("PROBE_SLOT={}", installed.slot),
            format!("PROBE_DIGEST={}", installed.digest),
            format!("PROBE_SAMPLES={samples}"),
            format!("PROBE_SOAK={soak}"),
        ],
        // They face the network, and one of them cannot do without a steward.
        without: &["mgmt", "dhcp"],
    };
    let image = stand.image(subject)?;
    let mut guest = Guest::boot(&image, &installed.data, &subject.folder.join("boot"))?;
    guest.hear(limit, |console| console.done())
}
