//! Load: bundles that use all processor time that they are given, and what a provider uses

use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::{Scene, wait_for_active};
use crate::bundle::{Recipe, make};
use crate::console::Console;
use crate::spin;

/// How long a share is measured, by the clock of this machine; it is computed by the box's.
const WINDOW: Duration = Duration::from_secs(8);

fn manifest(provider: &str, name: &str, limits: &str) -> String {
    format!(
        r#"format = 1
name = "{name}"
version = "1.0.0"
provider = "{provider}"
counter = 1

[run]
command = ["/bin/spin"]
readiness = "exec"
stop-within-seconds = 1

[restart]
enable = false

[limits]
memory = "1MiB"
processes = 1
temporary = "64KiB"
{limits}
"#
    )
}

fn console<'a>(scene: &'a Scene, provider: &str) -> &'a Console {
    match provider {
        "alarm" => &scene.alarm,
        _ => &scene.energy,
    }
}

/// Installs a load of each provider and name, with more limits; looks; uninstalls them.
pub(super) fn under_load<T>(
    scene: &Scene,
    loads: &[(&str, &str, &str)],
    look: impl FnOnce() -> Result<T>,
) -> Result<T> {
    let seen = loads
        .iter()
        .try_for_each(|load| install(scene, load))
        .and_then(|()| look());
    for (provider, name, _) in loads {
        // One that was not installed has nothing to uninstall; what went wrong is told already.
        console(scene, provider).run(&["bundle", "uninstall", name])?;
    }
    seen
}

fn install(scene: &Scene, (provider, name, limits): &(&str, &str, &str)) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let program = folder.path().join("spin");
    std::fs::write(&program, spin::program())?;
    let recipe = Recipe {
        manifest: &manifest(provider, name, limits),
        programs: &[("/bin/spin", &program)],
    };
    let key = format!("LIMEN_SIGNING_{}", provider.to_uppercase());
    let key = scene.gateway.variable(&key)?;
    let limenctl = scene.gateway.limenctl();
    let file = make(limenctl, folder.path(), &recipe, Some(key.as_ref()))?;
    let path = file
        .to_str()
        .context("a temporary folder with a plain name")?;
    let console = console(scene, provider);
    console.run(&["bundle", "install", path])?.succeeded()?;
    wait_for_active(console, name).map(drop)
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
