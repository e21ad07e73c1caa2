//! A kernel that lacks something: said, and nothing started that could not be kept apart

use anyhow::{Context as _, Result, ensure};

use super::Scene;
use crate::patience::wait_for;

/// What a kernel is made to lack, and what is said about it.
struct Lack {
    /// Options of `xtask run`.
    options: &'static [&'static str],
    /// Its name for the operator.
    name: &'static str,
    /// What names it and its remedy to everybody.
    told: [&'static str; 3],
}

const MEMORY_CONTROL: Lack = Lack {
    options: &["--kernel-word", "cgroup_disable=memory"],
    name: "memory-control",
    told: ["memory-control", "CONFIG_MEMCG", "cgroup_disable=memory"],
};

/// Landlock's ABI 0; and no random numbers either. The kernel's own messages come to the console.
const LANDLOCK: Lack = Lack {
    options: &[
        "--kernel-word",
        "lsm=yama",
        "--no-seed",
        "--kernel-word",
        "loglevel=7",
    ],
    name: "landlock",
    told: ["landlock", "CONFIG_SECURITY_LANDLOCK", "lsm="],
};

/// Booted without memory control: the core comes up and tells, no virtual gateway does. Case A-24.
pub(super) fn what_it_lacks_is_named_and_no_vgw_is_started(scene: &mut Scene) -> Result<()> {
    lacking(scene, &MEMORY_CONTROL)?;
    whole_again(scene)
}

/// Booted without Landlock, cases A-24; and without a seed, case C-11: PID 1 waits for no entropy, and
/// the first key of the endpoint was made when there was some.
pub(super) fn without_landlock_and_entropy_the_core_comes_up(scene: &mut Scene) -> Result<()> {
    lacking(scene, &LANDLOCK)?;
    let serial = scene.gateway.serial();
    let place = |what: &str| {
        let found = serial.find(what);
        found.with_context(|| format!("\"{what}\" is not on the console"))
    };
    let (started, seeded) = (place("core units, ")?, place("random: crng init done")?);
    ensure!(
        started < seeded,
        "the pool was ready before PID 1 began: {}",
        serial
            .get(seeded.saturating_sub(60)..started)
            .unwrap_or_default()
    );
    whole_again(scene)
}

fn lacking(scene: &mut Scene, lack: &Lack) -> Result<()> {
    ensure!(scene.gateway.stop()?, "it did not end in order");
    scene.gateway.boot_with(lack.options)?;
    scene.renew()?;
    let core = wait_for("what the kernel lacks", || {
        let core = scene.operator.json(&["core", "show"])?;
        let first = core["kernel-lacks"].get(0).context("nothing")?;
        ensure!(first["name"] == lack.name, "{first}");
        Ok(core)
    })?;
    let first = &core["kernel-lacks"][0];
    ensure!(first["required"] == true, "{first}");
    let serial = scene.gateway.serial();
    let line = serial
        .lines()
        .rfind(|line| line.contains(&format!("kernel: lacks {}", lack.name)))
        .context("nothing on the console")?;
    ensure!(lack.told.iter().all(|word| line.contains(word)), "{line}");
    // Both shall run, and cannot; why is their detail.
    wait_for("the reason", || {
        for provider in ["energy", "alarm"] {
            let vgw = scene.operator.json(&["vgw", "show", provider])?;
            ensure!(vgw["state"] != "Active", "{vgw}");
            let detail = vgw["detail"].as_str().unwrap_or_default();
            ensure!(lack.told.iter().all(|word| detail.contains(word)), "{vgw}");
        }
        Ok(())
    })?;
    scene
        .operator
        .refused(&["vgw", "restart", "energy"])?
        .says(&lack.told)?;
    ensure!(scene.page("/").is_err(), "something serves");
    Ok(())
}

/// On an ordinary kernel line all is as before.
fn whole_again(scene: &mut Scene) -> Result<()> {
    ensure!(scene.gateway.stop()?, "it did not end in order");
    scene.gateway.boot_again()?;
    scene.renew()?;
    let core = scene.operator.json(&["core", "show"])?;
    let lacks = core["kernel-lacks"].as_array().cloned().unwrap_or_default();
    ensure!(lacks.iter().all(|lack| lack["required"] == false), "{core}");
    scene.wait_for_page()?;
    scene.wait_for_demonstration()
}
