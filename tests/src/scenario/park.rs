//! Parked virtual gateways: built, closed, and opened by a start

use anyhow::{Result, ensure};
use serde_json::Value;

use super::Scene;
use crate::patience::wait_for;

/// Stopped under a warm contract it is parked and serves nobody; a start opens it, with every wall and
/// with the contract that is in force then; without `warm` it is idle again.
pub(super) fn a_warm_vgw_is_parked_while_it_is_stopped(scene: &mut Scene) -> Result<()> {
    let memory = show(scene)?["contract"]["limits"]["memory"].to_string();
    limit(scene, &["--warm", "true"])?;
    let outcome = stops_and_starts(scene);
    limit(scene, &["--warm", "false", "--memory", &memory])?;
    outcome?;
    stop(scene)?;
    is(scene, "Idle")?;
    start(scene)
}

fn stops_and_starts(scene: &Scene) -> Result<()> {
    stop(scene)?;
    is(scene, "Parked")?;
    ensure!(scene.page("/").is_err(), "a parked virtual gateway serves");
    scene
        .operator
        .refused(&["vgw", "stop", "energy"])?
        .says(&["stopped"])?;
    start(scene)?;
    // What is parked now was never opened before.
    stop(scene)?;
    is(scene, "Parked")?;
    limit(scene, &["--memory", "41MiB"])?;
    is(scene, "Parked")?;
    start(scene)
}

fn show(scene: &Scene) -> Result<Value> {
    scene.operator.json(&["vgw", "show", "energy"])
}

fn limit(scene: &Scene, words: &[&str]) -> Result<()> {
    let words = [&["vgw", "limit", "energy"], words].concat();
    scene.operator.run(&words)?.succeeded().map(drop)
}

fn stop(scene: &Scene) -> Result<()> {
    let words = ["vgw", "stop", "energy"];
    scene.operator.run(&words)?.succeeded().map(drop)
}

/// Starts it, and waits until it serves and was compared with its spec.
fn start(scene: &Scene) -> Result<()> {
    let words = ["vgw", "start", "energy"];
    scene.operator.run(&words)?.succeeded()?;
    scene.wait_for_page()?;
    wait_for("energy is compared", || {
        let posture = scene.operator.json(&["vgw", "posture", "energy"])?;
        ensure!(posture["compared"] == "exact", "{posture}");
        Ok(())
    })?;
    scene.wait_for_demonstration()
}

fn is(scene: &Scene, state: &str) -> Result<()> {
    wait_for(format!("energy is {state}"), || {
        let vgw = show(scene)?;
        ensure!(vgw["state"] == state, "{vgw}");
        Ok(())
    })
}
