//! The core's programs die; what providers run does not notice

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{Scene, bundle, lines_behind, log_end, wait_for_line};
use crate::patience::wait_for;

/// Restarts of a core unit, as init counts them.
fn restarts(scene: &Scene, unit: &str) -> Result<u64> {
    let core = scene.operator.json(&["core", "show"])?;
    let units = core["units"]
        .as_array()
        .with_context(|| format!("no units in {core}"))?;
    let found = units.iter().find(|entry| entry["name"] == unit);
    let found = found.with_context(|| format!("no unit {unit} in {core}"))?;
    found["restarts"]
        .as_u64()
        .with_context(|| format!("no restarts in {found}"))
}

fn lives(scene: &Scene) -> Result<Vec<Value>> {
    [
        (&scene.energy, "web"),
        (&scene.energy, "meter"),
        (&scene.alarm, "presence"),
        (&scene.alarm, "mqtt"),
    ]
    .into_iter()
    .map(|(console, name)| {
        let bundle = bundle(console, name)?;
        Ok(bundle["restarts"].clone())
    })
    .collect()
}

/// SIGKILL to each singly, then to all of them together.
pub(super) fn references_outlive_the_core(scene: &mut Scene) -> Result<()> {
    scene.wait_for_demonstration()?;
    let before = lives(scene)?;
    let begin = log_end(&scene.alarm, "presence")?;
    for round in [
        &["broker"][..],
        &["mgmt"],
        &["steward"],
        &["broker", "mgmt", "steward"],
    ] {
        let counted: Vec<u64> = round
            .iter()
            .map(|unit| restarts(scene, unit))
            .collect::<Result<_>>()?;
        let end = log_end(&scene.alarm, "presence")?;
        // The answer may be lost with the program that carries it; the counts below tell.
        scene.operator.run(&[&["core", "kill"], round].concat())?;
        for (unit, counted) in round.iter().zip(counted) {
            wait_for(format!("{unit} is back"), || {
                let now = restarts(scene, unit)?;
                ensure!(now > counted, "{now} restarts");
                Ok(())
            })?;
        }
        wait_for_line(&scene.alarm, "presence", end, "power=")?;
        scene.wait_for_page()?;
    }
    ensure!(
        lives(scene)? == before,
        "a bundle was restarted: {before:?}, {:?}",
        lives(scene)?
    );
    let cut = lines_behind(&scene.alarm, "presence", begin, "reference cut")?;
    ensure!(cut.is_empty(), "the reference was cut: {cut:?}");
    Ok(())
}
