//! Hostile bundles: signed by a real provider key, running inside a real virtual gateway
//!
//! Three outcomes: blocked, allowed, error; an error is never a pass. Positive controls run in the
//! same bundle, because a sandbox that kills everything would block every attack too.

use anyhow::{Context as _, Result, bail, ensure};

use super::{Scene, accounts, bundle, log, wait_for_line};
use crate::bundle::{Recipe, make};
use crate::console::Console;
use crate::narrow;
use crate::patience::wait_for;

fn manifest(name: &str, counter: u32, arguments: &str, restart: bool) -> String {
    format!(
        r#"format = 1
name = "{name}"
version = "1.0.0"
provider = "alarm"
counter = {counter}

[run]
command = ["/bin/adversary"{arguments}]
readiness = "exec"
ready-within-seconds = 30
stop-within-seconds = 2

[restart]
enable = {restart}
minimum-wait-seconds = 1
maximum-wait-seconds = 2
multiplier = 1000
reset-seconds = 60
retries = 2

[limits]
memory = "12MiB"
processes = 16
temporary = "1MiB"

[[volumes]]
name = "data"
path = "/var/lib/adversary"
size = "1MiB"
"#
    )
}

/// Installs the adversary as `name`, hands its console to `look`, uninstalls it.
pub(super) fn with_adversary<T>(
    scene: &Scene,
    (name, arguments, restart): (&str, &str, bool),
    look: impl FnOnce(&Console) -> Result<T>,
) -> Result<T> {
    let folder = tempfile::tempdir()?;
    let key = scene.gateway.variable("LIMEN_SIGNING_ALARM")?;
    let narrow = folder.path().join("narrow");
    std::fs::write(&narrow, narrow::program())?;
    let recipe = Recipe {
        manifest: &manifest(name, 1, arguments, restart),
        programs: &[
            ("/bin/adversary", &scene.adversary),
            ("/bin/narrow", &narrow),
        ],
    };
    let file = make(
        scene.gateway.limenctl(),
        folder.path(),
        &recipe,
        Some(key.as_ref()),
    )?;
    let path = file
        .to_str()
        .context("a temporary folder with a plain name")?;
    scene.alarm.run(&["bundle", "install", path])?;
    // A bundle that ends at once is installed all the same; what it did is in its log.
    bundle(&scene.alarm, name)?;
    let seen = look(&scene.alarm);
    scene
        .alarm
        .run(&["bundle", "uninstall", name])?
        .succeeded()?;
    seen
}

/// Every attack of the catalogue that the program knows, and every control.
pub(super) fn every_attack_is_blocked(scene: &mut Scene) -> Result<()> {
    let lines = with_adversary(scene, ("attacks", ", \"all\"", false), |console| {
        wait_for_line(console, "attacks", 0, "attacks done")?;
        log(console, "attacks")
    })?;
    let (mut attacks, mut controls, mut faults) = (0, 0, Vec::new());
    for line in &lines {
        let mut words = line.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some("attack"), Some(_), Some("blocked")) => attacks += 1,
            (Some("control"), Some(_), Some("ok")) => controls += 1,
            (Some("attack" | "control"), ..) => faults.push(line.as_str()),
            _ => {}
        }
    }
    ensure!(
        faults.is_empty(),
        "not blocked, or not possible:\n{}",
        faults.join("\n")
    );
    ensure!(
        attacks >= 60 && controls >= 6,
        "{attacks} attacks and {controls} controls: {lines:?}"
    );
    println!("    {attacks} attacks blocked, {controls} controls");
    scene.wait_for_page()?;
    scene.wait_for_demonstration()
}

/// A bundle that allocates past its limit dies whole and alone, and the limit is named.
pub(super) fn memory_past_the_limit_kills_the_bundle_alone(scene: &mut Scene) -> Result<()> {
    let restarts = bundle(&scene.alarm, "mqtt")?["restarts"].clone();
    with_adversary(scene, ("eater", ", \"memory\"", false), |console| {
        wait_for("the bundle is given up", || {
            let now = bundle(console, "eater")?;
            ensure!(now["fault"] != "NoFault", "{now}");
            ensure!(now["exit"].to_string().contains('9'), "not killed: {now}");
            Ok(())
        })?;
        wait_for("its end is told and counted", || {
            accounts::starved(console, "eater")
        })?;
        let lines = log(console, "eater")?;
        if lines.iter().any(|line| line.contains("allowed")) {
            bail!("it got more than its limit: {lines:?}");
        }
        Ok(())
    })?;
    ensure!(
        bundle(&scene.alarm, "mqtt")?["restarts"] == restarts,
        "a neighbour in the same vgw was hit"
    );
    scene.wait_for_page().map(drop)
}
