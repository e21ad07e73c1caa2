//! Contracts: adjusted while running, refused when they do not fit

use anyhow::{Result, ensure};
use serde_json::Value;

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
