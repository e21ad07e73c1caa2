//! Load: bundles that use all processor time that they are given, and what a provider uses

use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::{Scene, wait_for_active};
use crate::manifest::Manifest;
use crate::spin;

/// How long a share is measured, by the clock of this machine; it is computed by the box's.
const WINDOW: Duration = Duration::from_secs(8);

/// Provider, name, and the limits that a load says besides.
pub(super) type Load<'a> = (&'a str, &'a str, &'a [(&'a str, i64)]);

/// Installs a load of each provider and name, with more limits; looks; uninstalls them.
pub(super) fn under_load<T>(
    scene: &Scene,
    loads: &[Load<'_>],
    look: impl FnOnce() -> Result<T>,
) -> Result<T> {
    let seen = loads
        .iter()
        .try_for_each(|load| install(scene, load))
        .and_then(|()| look());
    for (provider, name, _) in loads {
        // One that was not installed has nothing to uninstall; what went wrong is told already.
        scene
            .provider(provider)
            .run(&["bundle", "uninstall", name])?;
    }
    seen
}

fn install(scene: &Scene, &(provider, name, limits): &Load<'_>) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let program = folder.path().join("spin");
    std::fs::write(&program, spin::program())?;
    let mut manifest = Manifest::new(provider, name, &["/bin/spin"])
        .with("limits.memory", "1MiB")
        .with("limits.processes", 1)
        .with("limits.temporary", "64KiB");
    for (key, value) in limits {
        manifest = manifest.with(&format!("limits.{key}"), *value);
    }
    scene
        .install(&manifest, &[("/bin/spin", &program)])?
        .succeeded()?;
    wait_for_active(scene.provider(provider), name).map(drop)
}

/// Processor time that each provider uses, percent of one core, over some seconds of the box's own
/// clock.
pub(super) fn shares<const N: usize>(scene: &Scene, providers: [&str; N]) -> Result<[u64; N]> {
    let look = || -> Result<(Vec<u64>, u64)> {
        let used = providers.iter().map(|provider| {
            let vgw = scene.operator.json(&["vgw", "show", provider])?;
            vgw["cpu-usage"].as_u64().context("no cpu-usage")
        });
        let used = used.collect::<Result<_>>()?;
        let core = scene.operator.json(&["core", "show"])?;
        let clock = core["uptime"].as_u64().context("no uptime")?;
        Ok((used, clock * 1000))
    };
    let (before, clock) = look()?;
    thread::sleep(WINDOW);
    let (after, clock_then) = look()?;
    let passed = clock_then.saturating_sub(clock).max(1);
    let used = before.iter().zip(after);
    let shares: Vec<u64> = used
        .map(|(before, after)| after.saturating_sub(*before) * 100 / passed)
        .collect();
    shares.try_into().ok().context("as many as were asked for")
}
