//! What the kernel enforces, read back from every unit that runs

use anyhow::{Result, ensure};
use serde_json::Value;

use super::{Scene, bundle};
use crate::console::Console;
use crate::patience::wait_for;

/// Core programs, limen-install's last run for each virtual gateway, both virtual gateways and all of the demonstration's bundles are exactly as their
/// specs say, for every thread. Case A-01.
pub(super) fn every_unit_is_as_it_should_be(scene: &mut Scene) -> Result<()> {
    wait_for("every core unit is compared", || {
        let core = scene.operator.json(&["core", "show"])?;
        let units = core["units"].as_array().cloned().unwrap_or_default();
        ensure!(units.len() >= 5, "{core}");
        units.iter().try_for_each(|unit| exact(&unit["posture"]))
    })?;
    for provider in ["energy", "alarm"] {
        wait_for("a virtual gateway is compared", || {
            exact(&scene.operator.json(&["vgw", "posture", provider])?)
        })?;
        let vgw = scene.operator.json(&["vgw", "show", provider])?;
        exact(&vgw["install-posture"])?;
    }
    let bundles: [(&Console, &[&str]); 2] = [
        (&scene.energy, &["web", "meter"]),
        (&scene.alarm, &["mqtt", "presence"]),
    ];
    for (console, names) in bundles {
        for name in names {
            wait_for("a bundle is compared", || {
                exact(&bundle(console, name)?["posture"])
            })?;
        }
    }
    Ok(())
}

fn exact(posture: &Value) -> Result<()> {
    ensure!(posture["compared"] == "exact", "{posture}");
    Ok(())
}
