//! References across providers: given, cut, seen to end

use anyhow::{Context as _, Result, ensure};

use super::{Scene, log_end, wait_for_active, wait_for_line};

/// Revocation cuts the reference at once; a new grant heals it.
pub(super) fn a_revoked_grant_cuts_at_once(scene: &mut Scene) -> Result<()> {
    let end = log_end(&scene.alarm, "presence")?;
    wait_for_line(&scene.alarm, "presence", end, "power=")?;
    let grants = scene.energy.json(&["grant", "list"])?;
    let grant = grants
        .get(0)
        .with_context(|| format!("no grant in {grants}"))?;
    ensure!(
        grant["references"] == 1,
        "the reference is not counted: {grant}"
    );
    let id = grant["id"].to_string();
    // The consumer may see the grant, and may not revoke it.
    scene.alarm.refused(&["grant", "revoke", &id])?;

    let end = log_end(&scene.alarm, "presence")?;
    scene.energy.run(&["grant", "revoke", &id])?.succeeded()?;
    wait_for_line(&scene.alarm, "presence", end, "reference cut")?;
    let cut = log_end(&scene.alarm, "presence")?;
    wait_for_line(&scene.alarm, "presence", cut, "not granted")?;
    let tail = super::log(&scene.alarm, "presence")?;
    let since = tail
        .iter()
        .rposition(|line| line.contains("reference cut"))
        .unwrap_or(0);
    ensure!(
        !tail.iter().skip(since).any(|line| line.contains("power=")),
        "it still reads: {tail:?}"
    );

    let end = log_end(&scene.alarm, "presence")?;
    scene
        .energy
        .run(&["grant", "add", "energy.meter", "alarm"])?
        .succeeded()?;
    wait_for_line(&scene.alarm, "presence", end, "power=")?;
    Ok(())
}

/// The serving bundle is stopped: the caller sees the end, and finds it again later.
pub(super) fn the_other_side_sees_the_hang_up(scene: &mut Scene) -> Result<()> {
    let end = log_end(&scene.alarm, "presence")?;
    scene
        .energy
        .run(&["bundle", "stop", "meter"])?
        .succeeded()?;
    wait_for_line(&scene.alarm, "presence", end, "reference cut")?;
    let end = log_end(&scene.alarm, "presence")?;
    scene
        .energy
        .run(&["bundle", "start", "meter"])?
        .succeeded()?;
    wait_for_line(&scene.alarm, "presence", end, "power=")?;

    // The calling bundle is stopped: the reference is no longer counted.
    scene
        .alarm
        .run(&["bundle", "stop", "presence"])?
        .succeeded()?;
    crate::patience::wait_for("the reference is released", || {
        let grants = scene.energy.json(&["grant", "list"])?;
        ensure!(grants[0]["references"] == 0, "{grants}");
        Ok(())
    })?;
    scene
        .alarm
        .run(&["bundle", "start", "presence"])?
        .succeeded()?;
    wait_for_active(&scene.alarm, "presence")?;
    Ok(())
}
