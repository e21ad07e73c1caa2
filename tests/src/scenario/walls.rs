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

/// How a hostile bundle is installed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hostile<'a> {
    name: &'a str,
    /// The program's arguments, as the end of a list in TOML.
    arguments: &'a str,
    /// Whether it says that it makes code.
    jit: bool,
    /// Whether it is restarted when it ends, and wants a spare for that.
    spare: bool,
}

/// One that says nothing of making code.
pub(super) fn hostile<'a>(name: &'a str, arguments: &'a str) -> Hostile<'a> {
    Hostile {
        name,
        arguments,
        jit: false,
        spare: false,
    }
}

/// One whose lives follow each other, each of them from a spare.
pub(super) fn recurring<'a>(name: &'a str, arguments: &'a str) -> Hostile<'a> {
    Hostile {
        spare: true,
        ..hostile(name, arguments)
    }
}

fn manifest(hostile: &Hostile<'_>) -> String {
    let Hostile {
        name,
        arguments,
        jit,
        spare,
    } = hostile;
    format!(
        r#"format = 1
name = "{name}"
version = "1.0.0"
provider = "alarm"
counter = 1

[run]
command = ["/bin/adversary"{arguments}]
user = "attacker"
jit = {jit}
spare = {spare}
readiness = "exec"
ready-within-seconds = 30
stop-within-seconds = 2

[restart]
enable = {spare}
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

/// Installs the adversary, hands its console to `look`, uninstalls it.
pub(super) fn with_adversary<T>(
    scene: &Scene,
    hostile: Hostile<'_>,
    look: impl FnOnce(&Console) -> Result<T>,
) -> Result<T> {
    let name = hostile.name;
    let folder = tempfile::tempdir()?;
    let key = scene.gateway.variable("LIMEN_SIGNING_ALARM")?;
    let narrow = folder.path().join("narrow");
    std::fs::write(&narrow, narrow::program())?;
    let recipe = Recipe {
        manifest: &manifest(&hostile),
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
    let lines = with_adversary(scene, hostile("attacks", ", \"all\""), |console| {
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
    with_adversary(scene, hostile("eater", ", \"memory\""), |console| {
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
    let (lines, posture) = with_adversary(scene, hostile("binder", ", \"B-12\""), |console| {
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
    let maker = Hostile {
        jit: true,
        ..hostile("maker", ", \"A-21\"")
    };
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
