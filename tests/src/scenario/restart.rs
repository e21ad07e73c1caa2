//! What ends comes back, and what is stopped stays stopped

use anyhow::{Result, ensure};

use super::{Scene, bundle, wait_for_active};
use crate::patience::wait_for;

/// The served program is killed with SIGKILL from inside its own sandbox.
pub(super) fn a_killed_program_comes_back(scene: &mut Scene) -> Result<()> {
    let before = wait_for_active(&scene.energy, "web")?;
    let restarts = |bundle: &serde_json::Value| bundle["restarts"].as_u64().unwrap_or(0);
    // The page's own program kills its server, so no answer is the right answer.
    let _ = scene.page("/cgi-bin/crash");
    let after = wait_for("the restart is counted", || {
        let now = bundle(&scene.energy, "web")?;
        ensure!(restarts(&now) > restarts(&before), "{now}");
        Ok(now)
    })?;
    ensure!(restarts(&after) == restarts(&before) + 1, "{after}");
    scene.wait_for_page()?;
    wait_for_active(&scene.energy, "web")?;
    Ok(())
}

/// Stop, a second stop, start, restart: of a virtual gateway and of a bundle.
pub(super) fn a_vgw_stops_and_starts(scene: &mut Scene) -> Result<()> {
    scene
        .operator
        .run(&["vgw", "stop", "energy"])?
        .succeeded()?;
    wait_for("energy is idle", || {
        let vgw = scene.operator.json(&["vgw", "show", "energy"])?;
        ensure!(vgw["state"] == "Idle", "{vgw}");
        Ok(())
    })?;
    ensure!(scene.page("/").is_err(), "a stopped virtual gateway serves");
    scene
        .operator
        .refused(&["vgw", "stop", "energy"])?
        .says(&["stopped"])?;
    ensure!(
        bundle(&scene.alarm, "mqtt")?["unit-state"] == "Active",
        "its neighbour is hit"
    );
    scene
        .operator
        .run(&["vgw", "start", "energy"])?
        .succeeded()?;
    scene.wait_for_page()?;
    scene
        .operator
        .run(&["vgw", "restart", "energy"])?
        .succeeded()?;
    scene.wait_for_page()?;

    scene.energy.run(&["bundle", "stop", "web"])?.succeeded()?;
    wait_for("web is idle", || {
        let web = bundle(&scene.energy, "web")?;
        ensure!(web["unit-state"] == "Idle", "{web}");
        Ok(())
    })?;
    scene
        .energy
        .refused(&["bundle", "stop", "web"])?
        .says(&["stopped"])?;
    scene.energy.run(&["bundle", "start", "web"])?.succeeded()?;
    scene.wait_for_page()?;
    scene.wait_for_demonstration()
}
