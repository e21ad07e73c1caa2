//! A kernel that lacks something: said, and nothing started that could not be kept apart

use anyhow::{Context as _, Result, ensure};

use super::Scene;
use crate::patience::wait_for;

/// What a kernel is made to lack, and what is said about it.
struct Lack {
    /// A word of the kernel's command line.
    word: &'static str,
    /// Its name for the operator.
    name: &'static str,
    /// What names it and its remedy to everybody.
    told: [&'static str; 3],
}

const MEMORY_CONTROL: Lack = Lack {
    word: "cgroup_disable=memory",
    name: "memory-control",
    told: ["memory-control", "CONFIG_MEMCG", "cgroup_disable=memory"],
};

/// Landlock's ABI 0.
const LANDLOCK: Lack = Lack {
    word: "lsm=yama",
    name: "landlock",
    told: ["landlock", "CONFIG_SECURITY_LANDLOCK", "lsm="],
};

/// Booted without memory control: the core comes up and tells, no virtual gateway does. Case A-24.
pub(super) fn what_it_lacks_is_named_and_no_vgw_is_started(scene: &mut Scene) -> Result<()> {
    lacking(scene, &MEMORY_CONTROL)?;
    whole_again(scene)
}

/// Booted without Landlock: the same. Case A-24.
pub(super) fn without_landlock_the_core_comes_up(scene: &mut Scene) -> Result<()> {
    lacking(scene, &LANDLOCK)?;
    whole_again(scene)
}

fn lacking(scene: &mut Scene, lack: &Lack) -> Result<()> {
    ensure!(scene.gateway.stop()?, "it did not end in order");
    scene.gateway.boot_with(lack.word)?;
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
