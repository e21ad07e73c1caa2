//! A disk that is shared: how fast a bundle may write, and that the steward does not wait for it

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::abuse::storms;
use super::{Scene, uninstall, wait_for_line};

/// What a bundle may write, bytes a second.
const WRITE_RATE: u64 = 128 << 10;

/// One that says a write rate is held to it, and writes faster without; meanwhile the steward's own
/// state is written. Case C-09.
pub(super) fn a_write_rate_is_kept(scene: &mut Scene) -> Result<()> {
    let pace = |name: &str, limited: bool| -> Result<(u64, Duration)> {
        let mut manifest = storms("alarm", name, &["pace"]);
        if limited {
            manifest = manifest.with("limits.write-rate", format!("{}KiB", WRITE_RATE >> 10));
        }
        scene.install(&manifest, &[("/bin/adversary", &scene.adversary)])?;
        let begun = Instant::now();
        let weight = ["vgw", "limit", "energy", "--cpu-weight", "100"];
        scene.operator.run(&weight)?.succeeded()?;
        let stated = begun.elapsed();
        let line = wait_for_line(&scene.alarm, name, 0, "storm C-09 pace is ");
        uninstall(&scene.alarm, name)?;
        let line = line?;
        let number = line.rsplit(' ').next().and_then(|word| word.parse().ok());
        Ok((number.with_context(|| line.clone())?, stated))
    };
    let (limited, stated) = pace("slow", true)?;
    let (free, _) = pace("fast", false)?;
    println!(
        "    {limited} bytes a second of {WRITE_RATE}, {free} without; a state was written in {} ms",
        stated.as_millis()
    );
    // The kernel counts in slices of a second; what is waited for is a whole piece.
    ensure!(limited <= WRITE_RATE + WRITE_RATE / 4, "it is not kept");
    ensure!(free > 2 * WRITE_RATE, "the disk is as slow without a rate");
    // A second is promised; the machine that emulates the box may be busy.
    ensure!(stated < Duration::from_secs(5), "the steward waited");
    scene.wait_for_demonstration()
}
