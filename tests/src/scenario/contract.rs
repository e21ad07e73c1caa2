//! Contracts: adjusted while running, refused when they do not fit

use anyhow::{Result, ensure};
use serde_json::Value;

use super::load::{Load, shares, under_load};
use super::{Scene, bundle};
use crate::patience::wait_for;

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

/// Under load: in force when the answer comes, and the same programs run on. Case C-08.
pub(super) fn limits_hold_under_load_at_once(scene: &mut Scene) -> Result<()> {
    let limits = [("cpu-percent", 50), ("cpu-burst-ms", 10)];
    let seen = under_load(scene, &[("alarm", "spin", &limits)], || held(scene));
    limit_processor(scene, "alarm", ["50", "20", "100"])?;
    seen
}

fn held(scene: &Scene) -> Result<()> {
    let before = bundle(&scene.alarm, "spin")?;
    let used = |bundle: &Value| bundle["cpu-usage"].as_u64().unwrap_or(0);
    let [free] = shares(scene, ["alarm"])?;
    // One answer of the operator's, and the kernel holds the load to it.
    let changed = limit_processor(scene, "alarm", ["10", "5", "100"])?;
    ensure!(
        changed["bundles"] == 0,
        "nothing needs a restart: {changed}"
    );
    let [tight] = shares(scene, ["alarm"])?;
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

/// Limit, guarantee and weight of the processor.
fn limit_processor(
    scene: &Scene,
    provider: &str,
    [percent, guaranteed, weight]: [&str; 3],
) -> Result<Value> {
    let mut limit = vec!["vgw", "limit", provider, "--cpu-percent", percent];
    limit.extend(["--guarantee-cpu", guaranteed, "--cpu-weight", weight]);
    scene.operator.json(&limit)
}

/// Everybody wants all: who is guaranteed something has it, and what admission would not promise
/// is refused. Case C-08.
pub(super) fn a_guarantee_holds_under_load(scene: &mut Scene) -> Result<()> {
    let loads: [Load<'_>; 4] = [
        ("energy", "one", &[]),
        ("alarm", "one", &[]),
        ("alarm", "two", &[]),
        ("alarm", "three", &[]),
    ];
    let seen = under_load(scene, &loads, || {
        limit_processor(scene, "energy", ["0", "20", "100"])?;
        // The largest weight that leaves energy its 20 % of a core, of two: 100 in 1000.
        scene
            .operator
            .refused(&["vgw", "limit", "alarm", "--cpu-weight", "501"])?
            .says(&["energy", "20 % are guaranteed", "at most 500"])?;
        limit_processor(scene, "alarm", ["0", "20", "500"])?;
        shares(scene, ["energy", "alarm"])
    });
    for provider in ["alarm", "energy"] {
        limit_processor(scene, provider, ["50", "20", "100"])?;
    }
    let [energy, alarm] = seen?;
    println!("    energy {energy} %, alarm {alarm} % of a core");
    ensure!(
        energy >= 20,
        "energy is guaranteed 20 % and has {energy} %; alarm has {alarm} %"
    );
    ensure!(
        alarm > energy,
        "the weights mean nothing: {alarm} %, {energy} %"
    );
    scene.wait_for_page().map(drop)
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
