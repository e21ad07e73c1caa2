//! Hostile bundles: signed by a real provider key, running inside a real virtual gateway
//!
//! Three outcomes: blocked, allowed, error; an error is never a pass. Positive controls run in the
//! same bundle, because a sandbox that kills everything would block every attack too.

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

use super::{Scene, accounts, bundle, log, uninstall, wait_for_line};
use crate::console::Console;
use crate::manifest::Manifest;
use crate::narrow;
use crate::patience::wait_for;

/// A hostile bundle of alarm's, that is run once.
pub(super) fn hostile(name: &str, arguments: &[&str]) -> Manifest {
    let command = [&["/bin/adversary"], arguments].concat();
    Manifest::new("alarm", name, &command)
        .with("run.user", "attacker")
        .with("limits.memory", "12MiB")
        .with("limits.processes", 16)
        .keeping("1MiB")
}

/// Installs the adversary, hands its console to `look`, uninstalls it.
pub(super) fn with_adversary<T>(
    scene: &Scene,
    hostile: &Manifest,
    look: impl FnOnce(&Console) -> Result<T>,
) -> Result<T> {
    let folder = tempfile::tempdir()?;
    let narrow = folder.path().join("narrow");
    std::fs::write(&narrow, narrow::program())?;
    let programs: [(_, &Path); 2] = [
        ("/bin/adversary", &scene.adversary),
        ("/bin/narrow", &narrow),
    ];
    scene.install(hostile, &programs)?;
    // A bundle that ends at once is installed all the same; what it did is in its log.
    bundle(&scene.alarm, hostile.name())?;
    let seen = look(&scene.alarm);
    uninstall(&scene.alarm, hostile.name())?;
    seen
}

/// Every attack of the catalogue that the program knows, and every control.
pub(super) fn every_attack_is_blocked(scene: &mut Scene) -> Result<()> {
    let lines = with_adversary(scene, &hostile("attacks", &["all"]), |console| {
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
    with_adversary(scene, &hostile("eater", &["memory"]), |console| {
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

/// The lines of one attack, once all were tried.
fn attacks(console: &Console, name: &str, id: &str) -> Result<Vec<String>> {
    wait_for_line(console, name, 0, "attacks done")?;
    let mut lines = log(console, name)?;
    lines.retain(|line| line.starts_with(&format!("attack {id} ")));
    ensure!(!lines.is_empty(), "{name} did not try {id}");
    Ok(lines)
}

/// Case B-12. Landlock knows ports from ABI 4 on; before, a port can be taken, and nobody reaches it:
/// what is published leads to declared ports only.
pub(super) fn undeclared_ports_are_not_taken(scene: &mut Scene) -> Result<()> {
    let (lines, posture) = with_adversary(scene, &hostile("binder", &["B-12"]), |console| {
        let lines = attacks(console, "binder", "B-12")?;
        Ok((lines, bundle(console, "binder")?["posture"].clone()))
    })?;
    let abi = posture["landlock-abi"].as_u64().context("no ABI")?;
    let expected = if abi >= 4 {
        "attack B-12 blocked EACCES"
    } else {
        "attack B-12 allowed"
    };
    ensure!(
        lines.iter().all(|line| line.starts_with(expected)),
        "ABI {abi}: {lines:?}"
    );
    Ok(())
}

/// Case A-21, the other way round: code is made where manifest and contract agree, and only there.
pub(super) fn code_is_made_by_agreement(scene: &mut Scene) -> Result<()> {
    let maker = &hostile("maker", &["A-21"]).with("run.jit", true);
    let allow = |scene: &Scene, jit: &str| {
        let arguments = ["vgw", "limit", "alarm", "--jit", jit];
        scene.operator.run(&arguments)?.succeeded().map(drop)
    };
    ensure!(
        with_adversary(scene, maker, |_| Ok(())).is_err(),
        "it was installed against its contract"
    );
    allow(scene, "true")?;
    let lines = with_adversary(scene, maker, |console| attacks(console, "maker", "A-21"));
    allow(scene, "false")?;
    let lines = lines?;
    let made = "attack A-21 allowed memory to write and to execute";
    ensure!(lines.iter().any(|line| line == made), "{lines:?}");
    Ok(())
}

/// Case A-24: a virtual gateway that insists on more than the kernel has is not started, and says so.
pub(super) fn below_the_minimum_nothing_starts(scene: &mut Scene) -> Result<()> {
    // While it is not running, the answer is that the contract was noted.
    let limit = |scene: &Scene, minimum: &str| {
        let arguments = ["vgw", "limit", "energy", "--minimum", minimum];
        scene.operator.run(&arguments).map(drop)
    };
    limit(scene, "landlock-abi=99")?;
    scene.operator.run(&["vgw", "restart", "energy"])?;
    let refused = wait_for("the start is refused by name", || {
        let vgw = scene.operator.json(&["vgw", "show", "energy"])?;
        let detail = vgw["detail"].as_str().unwrap_or_default();
        ensure!(detail.contains("MinimumLandlockAbi"), "{vgw}");
        Ok(())
    });
    limit(scene, "none")?;
    scene.operator.run(&["vgw", "stop", "energy"])?;
    scene
        .operator
        .run(&["vgw", "start", "energy"])?
        .succeeded()?;
    refused?;
    scene.wait_for_demonstration()
}
