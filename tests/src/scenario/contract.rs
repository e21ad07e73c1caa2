//! Contracts: adjusted while running, refused when they do not fit

use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{Scene, bundle, wait_for_active};
use crate::bundle::{Recipe, make};
use crate::patience::wait_for;
use crate::spin;

fn memory(vgw: &Value) -> u64 {
    vgw["contract"]["limits"]["memory"].as_u64().unwrap_or(0)
}

/// More memory, without a restart.
pub(super) fn limits_change_on_a_running_vgw(scene: &mut Scene) -> Result<()> {
    let before = scene.operator.json(&["vgw", "show", "alarm"])?;
    let restarts = bundle(&scene.alarm, "mqtt")?["restarts"].clone();
    scene
        .operator
        .run(&["vgw", "limit", "alarm", "--memory", "40MiB"])?
        .succeeded()?;
    let after = scene.operator.json(&["vgw", "show", "alarm"])?;
    ensure!(memory(&after) == 40 << 20, "{after}");
    ensure!(
        bundle(&scene.alarm, "mqtt")?["restarts"] == restarts,
        "a bundle was restarted"
    );
    ensure!(after["posture"]["shaped"] == true, "{after}");
    let back = format!("{}", memory(&before));
    scene
        .operator
        .run(&["vgw", "limit", "alarm", "--memory", &back])?
        .succeeded()?;
    // A provider has no say in its own contract.
    scene
        .alarm
        .refused(&["vgw", "limit", "alarm", "--memory", "64MiB"])?;
    Ok(())
}

const SPIN: &str = r#"format = 1
name = "spin"
version = "1.0.0"
provider = "alarm"
counter = 1

[run]
command = ["/bin/spin"]
readiness = "exec"
stop-within-seconds = 1

[restart]
enable = false

[limits]
memory = "2MiB"
processes = 2
temporary = "64KiB"
cpu-percent = 50
cpu-burst-ms = 10
"#;

/// Under load: in force when the answer comes, and the same programs run on. Case C-08.
pub(super) fn limits_hold_under_load_at_once(scene: &mut Scene) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let program = folder.path().join("spin");
    std::fs::write(&program, spin::program())?;
    let recipe = Recipe {
        manifest: SPIN,
        programs: &[("/bin/spin", &program)],
    };
    let key = scene.gateway.variable("LIMEN_SIGNING_ALARM")?;
    let file = make(
        scene.gateway.limenctl(),
        folder.path(),
        &recipe,
        Some(key.as_ref()),
    )?;
    let path = file
        .to_str()
        .context("a temporary folder with a plain name")?;
    scene.alarm.run(&["bundle", "install", path])?.succeeded()?;
    let seen = held(scene);
    let mut back = vec!["vgw", "limit", "alarm", "--cpu-percent", "50"];
    back.extend(["--guarantee-cpu", "20", "--processes", "64"]);
    scene.operator.run(&back)?.succeeded()?;
    scene
        .alarm
        .run(&["bundle", "uninstall", "spin"])?
        .succeeded()?;
    seen
}

fn held(scene: &Scene) -> Result<()> {
    let before = wait_for_active(&scene.alarm, "spin")?;
    let used = |bundle: &Value| bundle["cpu-usage"].as_u64().unwrap_or(0);
    let free = share(scene)?;
    // One answer of the operator's, and the kernel holds the load to it.
    let mut limit = vec!["vgw", "limit", "alarm", "--cpu-percent", "10"];
    limit.extend(["--guarantee-cpu", "5", "--processes", "40"]);
    let changed = scene.operator.json(&limit)?;
    ensure!(
        changed["bundles"] == 0,
        "nothing needs a restart: {changed}"
    );
    let tight = share(scene)?;
    println!("    {free} % of a core before, {tight} % at a limit of 10 %");
    ensure!(free > 25, "the load used {free} % of 50 %");
    // The box's clock and the account are read one after the other: some percent of error.
    ensure!(tight < 18, "the load used {tight} % of 10 %");
    let after = bundle(&scene.alarm, "spin")?;
    ensure!(after["unit-state"] == "Active", "{after}");
    // A new life has a new account.
    ensure!(
        after["restarts"] == before["restarts"] && used(&after) > used(&before),
        "it was restarted: {before}, then {after}"
    );
    ensure!(
        bundle(&scene.alarm, "mqtt")?["unit-state"] == "Active",
        "its neighbour was hit"
    );
    Ok(())
}

/// Processor time that the provider uses, percent of one core, over some seconds of the box's own
/// clock.
fn share(scene: &Scene) -> Result<u64> {
    let look = || -> Result<(u64, u64)> {
        let vgw = scene.operator.json(&["vgw", "show", "alarm"])?;
        let core = scene.operator.json(&["core", "show"])?;
        let used = vgw["cpu-usage"].as_u64().context("no cpu-usage")?;
        Ok((used, core["uptime"].as_u64().context("no uptime")? * 1000))
    };
    let (used, clock) = look()?;
    thread::sleep(Duration::from_secs(8));
    let (used_then, clock_then) = look()?;
    let passed = clock_then.saturating_sub(clock).max(1);
    Ok(used_then.saturating_sub(used) * 100 / passed)
}

/// Wrong in themselves: refused by the key, and nothing changed.
pub(super) fn contracts_that_are_wrong_change_nothing(scene: &mut Scene) -> Result<()> {
    let before = scene.operator.json(&["vgw", "show", "energy"])?;
    for (words, key) in [
        (&["--memory", "0"][..], "limits.memory"),
        (&["--memory", "18446744073709551615"], "limits.memory"),
        (&["--memory-high", "1GiB"], "limits.memory-high"),
        (&["--guarantee-memory", "1GiB"], "guarantees.memory"),
        (&["--guarantee-cpu", "65535"], "guarantees.cpu-percent"),
        (&["--cpu-burst-ms", "65535"], "limits.cpu-burst-ms"),
        (&["--processes", "4294967295"], "limits.processes"),
        (&["--descriptors", "0"], "limits.descriptors"),
        (&["--write-rate", "1"], "limits.write-rate"),
        (&["--disk", "18446744073709551615"], "disk"),
        (&["--inodes", "0"], "inodes"),
        (&["--upload", "1"], "upload.bits"),
        (&["--connections", "0"], "connections"),
        (&["--wan", "listed"], "destinations"),
        (&["--publish", "tcp:8443:80"], "8443"),
        (&["--minimum", "shaped", "--upload", "0"], "minimum.shaped"),
    ] {
        let mut limit = vec!["vgw", "limit", "energy"];
        limit.extend(words);
        scene.operator.refused(&limit)?.says(&[key])?;
        limit[1] = "plan";
        scene
            .operator
            .refused(&limit)?
            .says(&["does not fit", key])?;
    }
    let after = scene.operator.json(&["vgw", "show", "energy"])?;
    ensure!(after["contract"] == before["contract"], "{after}");
    scene.wait_for_page().map(drop)
}

/// Larger than the box, a port twice, a provider twice: refused with numbers, nothing changed.
pub(super) fn what_does_not_fit_is_refused(scene: &mut Scene) -> Result<()> {
    let before = scene.operator.json(&["vgw", "list"])?;
    let authority = scene.gateway.variable("LIMEN_CA")?;
    let key = scene
        .gateway
        .variable("LIMEN_SIGNING_ENERGY")?
        .replace(".key", ".pub");
    let create = |provider: &str, more: &[&str]| {
        let mut arguments = vec!["vgw", "create", provider, "--authority", authority];
        arguments.extend(["--signing-key", &key, "--processes", "16", "--disk", "8MiB"]);
        arguments.extend(more);
        scene.operator.refused(&arguments)
    };
    // A plan says the same beforehand, and changes nothing either.
    let fits = ["vgw", "plan", "third", "--memory", "8MiB", "--disk", "8MiB"];
    let plan = scene.operator.json(&fits)?;
    ensure!(plan["fits"] == true, "{plan}");
    scene
        .operator
        .refused(&[
            "vgw", "plan", "third", "--memory", "64GiB", "--disk", "8MiB",
        ])?
        .says(&["limits.memory"])?;
    scene.energy.refused(&fits)?;
    create("giant", &["--memory", "64GiB"])?.says(&["memory"])?;
    create("double", &["--memory", "8MiB", "--publish", "tcp:8080:80"])?.says(&["8080"])?;
    create("energy", &["--memory", "8MiB"])?.says(&["energy", "exists"])?;
    create("Not-A-Name", &["--memory", "8MiB"])?;
    let after = wait_for("the list", || scene.operator.json(&["vgw", "list"]))?;
    let providers = |list: &Value| -> Vec<String> {
        let entries = list.as_array().into_iter().flatten();
        entries.map(|vgw| vgw["provider"].to_string()).collect()
    };
    ensure!(providers(&before) == providers(&after), "{after}");
    Ok(())
}
