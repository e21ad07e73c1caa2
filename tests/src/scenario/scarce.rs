//! A box out of memory: who dies, and who does not

use anyhow::{Result, ensure};

use super::abuse::{Quiet, storms};
use super::{Scene, bundle, uninstall, wait_for_line};
use crate::bystander;
use crate::manifest::Manifest;
use crate::patience::wait_for;

/// The kernel is told of no more memory than this.
const BOX: [&str; 2] = ["--kernel-word", "mem=224M"];
/// What each may have: nearly all that the box has for contracts, so both together more than it has.
const CONTRACT: &str = "118MiB";
/// What energy's bundle is guaranteed and holds, and what alarm's may take: more than is left, and
/// when nothing is left less than the other has.
const GUARANTEE: &str = "100MiB";
const HELD: &str = "96";
const GREED: &str = "76MiB";
/// How the kernel says that the box, not a cgroup, was out of memory.
const OUT_OF_MEMORY: &str = "Out of memory: Killed process";

/// Limits may promise more than the box has, guarantees may not. When all is taken, the kernel ends
/// who has most beyond its guarantee, again and again; nobody of the core, no reaper, nobody within
/// a guarantee, however much that is. Case C-13.
pub(super) fn who_took_too_much_dies(scene: &mut Scene) -> Result<()> {
    ensure!(scene.gateway.stop()?, "it did not end in order");
    scene.gateway.boot_with(&BOX)?;
    scene.renew()?;
    scene.wait_for_demonstration()?;
    let limit = |scene: &Scene, provider: &str, memory: &str, guarantee: &str| {
        let words = ["vgw", "limit", provider, "--memory", memory];
        let words = [&words[..], &["--guarantee-memory", guarantee]].concat();
        scene.operator.run(&words)?.succeeded().map(drop)
    };
    limit(scene, "alarm", CONTRACT, "0")?;
    // The demonstration's own bundles were told of another guarantee: they are adjusted.
    limit(scene, "energy", CONTRACT, GUARANTEE)?;
    let seen = starve(scene);
    // Its guarantee first: there is no room for both.
    limit(scene, "energy", "32MiB", "16MiB")?;
    limit(scene, "alarm", "48MiB", "24MiB")?;
    ensure!(scene.gateway.stop()?, "it did not end in order");
    scene.gateway.boot_again()?;
    scene.renew()?;
    seen?;
    scene.wait_for_demonstration()
}

fn starve(scene: &Scene) -> Result<()> {
    let manifest = Manifest::new("energy", "holder", &["/bin/adversary", "hold", HELD])
        .with("limits.memory", GUARANTEE);
    scene
        .install(&manifest, &[("/bin/adversary", &scene.adversary)])?
        .succeeded()?;
    wait_for_line(&scene.energy, "holder", 0, "holding")?;
    let before = bystander::lives(&scene.operator)?;
    let quiet = Quiet::read(scene)?;
    let greedy = storms("alarm", "greedy", &["anonymous"]).with("limits.memory", GREED);
    scene.install(&greedy, &[("/bin/adversary", &scene.adversary)])?;
    wait_for("the box was out of memory", || {
        let kills = victims(&scene.gateway.serial()).len();
        // Once could be chance.
        ensure!(kills >= 3, "{kills} kills");
        // The endpoint is asked all the while.
        bystander::lives(&scene.operator).map(drop)
    })?;
    let holder = bundle(&scene.energy, "holder")?;
    let after = bystander::lives(&scene.operator)?;
    uninstall(&scene.alarm, "greedy")?;
    quiet.wait_for(scene)?;
    uninstall(&scene.energy, "holder")?;

    let serial = scene.gateway.serial();
    let victims = victims(&serial);
    println!("    the box was out of memory {} times", victims.len());
    ensure!(
        victims.iter().all(|victim| victim.contains("(adversary)")),
        "somebody else died: {victims:?}"
    );
    let unharmed = holder["unit-state"] == "Active" && holder["restarts"] == 0;
    ensure!(unharmed, "it was within its guarantee: {holder}");
    ensure!(before == after, "restarted: {before:?} then {after:?}");
    Ok(())
}

/// The kernel's lines about whom it killed for the whole box.
fn victims(serial: &str) -> Vec<&str> {
    let lines = serial.lines();
    lines.filter(|line| line.contains(OUT_OF_MEMORY)).collect()
}
