//! A frozen virtual gateway: nothing in it moves, and nothing of it is lost

use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::{Scene, bundle, wait_for_active};
use crate::patience::wait_for;

/// Long enough for a program that serves to use processor time, and for its readiness or restart
/// to be due.
const STILL: Duration = Duration::from_secs(3);

fn used(scene: &Scene) -> Result<u64> {
    let vgw = scene.operator.json(&["vgw", "show", "energy"])?;
    ensure!(vgw["frozen"] == true, "{vgw}");
    vgw["cpu-usage"].as_u64().context("no cpu-usage")
}

/// Freeze: no page, no processor time, over a steward's death. Thaw: the same programs go on. A
/// frozen one can be stopped.
pub(super) fn a_frozen_vgw_stands_still(scene: &mut Scene) -> Result<()> {
    let before = wait_for_active(&scene.energy, "web")?;
    scene.wait_for_page()?;
    // An operation of the operator is not there for a provider.
    scene
        .energy
        .refused(&["vgw", "freeze", "energy"])?
        .says(&["another role's"])?;
    scene
        .operator
        .run(&["vgw", "freeze", "energy"])?
        .succeeded()?;
    // The kernel holds each process when it next comes by; then it stands still.
    let mut last = used(scene)?;
    wait_for("no processor time is used", || {
        thread::sleep(STILL);
        let earlier = std::mem::replace(&mut last, used(scene)?);
        ensure!(earlier == last, "{earlier} us, then {last} us");
        Ok(())
    })?;
    ensure!(scene.page("/").is_err(), "a frozen virtual gateway serves");
    ensure!(
        bundle(&scene.alarm, "mqtt")?["unit-state"] == "Active",
        "its neighbour is hit"
    );
    for refused in [["bundle", "stop", "web"], ["bundle", "restart", "web"]] {
        scene.energy.refused(&refused)?.says(&["frozen"])?;
    }
    scene
        .operator
        .run(&["core", "kill", "steward"])?
        .succeeded()?;
    let after = wait_for("a new steward finds it frozen", || used(scene))?;
    ensure!(after == last, "{last} us, then {after} us");

    scene
        .operator
        .run(&["vgw", "thaw", "energy"])?
        .succeeded()?;
    scene.wait_for_page()?;
    let after = wait_for_active(&scene.energy, "web")?;
    ensure!(
        after["restarts"] == before["restarts"],
        "it did not go on, it began anew: {after}"
    );

    scene
        .operator
        .run(&["vgw", "freeze", "energy"])?
        .succeeded()?;
    scene
        .operator
        .run(&["vgw", "stop", "energy"])?
        .succeeded()?;
    scene
        .operator
        .run(&["vgw", "start", "energy"])?
        .succeeded()?;
    scene.wait_for_page()?;
    scene.wait_for_demonstration()
}
