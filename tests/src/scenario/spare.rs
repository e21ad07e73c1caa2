//! Spares: a restart only executes, and no wall is missing

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::walls::{hostile, with_adversary};
use super::{Scene, bundle, log};
use crate::console::Console;
use crate::patience::wait_for;

const NAME: &str = "recurring";
/// The first life and its two restarts.
const LIVES: usize = 3;

/// A program that ends again and again: before each restart its next life stands ready; each life,
/// taken from a spare or not, has the whole posture, is attacked in vain, and is counted.
pub(super) fn each_life_is_taken_from_a_spare(scene: &mut Scene) -> Result<()> {
    warm(scene, "true")?;
    let recurring = hostile(NAME, &["all", "--exit"])
        .restarting(2)
        .with("run.spare", true);
    let lines = with_adversary(scene, &recurring, |console| {
        lives(console)?;
        log(console, NAME)
    });
    warm(scene, "false")?;
    let lines = lines?;
    // Its own next life has its own uid. Before Landlock can scope signals, a bundle can end that, and
    // with it nothing but its own quick restart.
    let scoped =
        scene.operator.json(&["vgw", "posture", "alarm"])?["landlock-abi"].as_u64() >= Some(6);
    let fine = |line: &&String| {
        line.contains(" blocked ")
            || line.contains(" ok")
            || (!scoped && line.starts_with("attack B-01 allowed signal"))
    };
    let attempts = lines
        .iter()
        .filter(|line| line.starts_with("attack ") || line.starts_with("control "));
    let (fine, faults): (Vec<_>, Vec<_>) = attempts.partition(fine);
    ensure!(!fine.is_empty() && faults.is_empty(), "{faults:?}");
    Ok(())
}

fn warm(scene: &Scene, value: &str) -> Result<()> {
    scene
        .operator
        .run(&["vgw", "limit", "alarm", "--warm", value])?
        .succeeded()
        .map(drop)
}

/// Watches until all of its lives were compared and all but the last had a successor ready.
fn lives(console: &Console) -> Result<()> {
    let (mut exact, mut succeeded) = (BTreeSet::new(), BTreeSet::new());
    wait_for("every life and its spare were seen", || {
        let now = bundle(console, NAME)?;
        let life = now["restarts"].as_u64();
        if now["posture"]["compared"] == "exact" {
            exact.insert(life);
        }
        if now["spare"] == Value::Bool(true) {
            succeeded.insert(life);
        }
        ensure!(
            exact.len() >= LIVES && succeeded.len() >= LIVES - 1,
            "exact in lives {exact:?}, a spare in {succeeded:?}: {now}"
        );
        ensure!(now["total"]["restarts"] == now["restarts"], "{now}");
        Ok(())
    })
}
