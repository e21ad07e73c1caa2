//! A kernel that lacks something: said, and nothing started that could not be kept apart

use anyhow::{Context as _, Result, ensure};

use super::Scene;
use crate::patience::wait_for;

/// Booted without memory control: the core comes up and tells, no virtual gateway does. Case A-24.
pub(super) fn what_it_lacks_is_named_and_no_vgw_is_started(scene: &mut Scene) -> Result<()> {
    ensure!(scene.gateway.stop()?, "it did not end in order");
    scene.gateway.boot_with("cgroup_disable=memory")?;
    scene.renew()?;
    let words = ["memory-control", "CONFIG_MEMCG", "cgroup_disable=memory"];
    let core = wait_for("what the kernel lacks", || {
        let core = scene.operator.json(&["core", "show"])?;
        let first = core["kernel-lacks"].get(0).context("nothing")?;
        ensure!(first["name"] == "memory-control", "{first}");
        Ok(core)
    })?;
    let lack = &core["kernel-lacks"][0];
    ensure!(lack["required"] == true, "{lack}");
    let serial = scene.gateway.serial();
    let line = serial
        .lines()
        .rfind(|line| line.contains("kernel: lacks memory-control"))
        .context("nothing on the console")?;
    ensure!(words.iter().all(|word| line.contains(word)), "{line}");
    // Both shall run, and cannot; why is their detail.
    wait_for("the reason", || {
        for provider in ["energy", "alarm"] {
            let vgw = scene.operator.json(&["vgw", "show", provider])?;
            ensure!(vgw["state"] != "Active", "{vgw}");
            let detail = vgw["detail"].as_str().unwrap_or_default();
            ensure!(words.iter().all(|word| detail.contains(word)), "{vgw}");
        }
        Ok(())
    })?;
    scene
        .operator
        .refused(&["vgw", "restart", "energy"])?
        .says(&words)?;
    ensure!(scene.page("/").is_err(), "something serves");

    ensure!(scene.gateway.stop()?, "it did not end in order");
    scene.gateway.boot_again()?;
    scene.renew()?;
    let core = scene.operator.json(&["core", "show"])?;
    let lacks = core["kernel-lacks"].as_array().cloned().unwrap_or_default();
    ensure!(lacks.iter().all(|lack| lack["required"] == false), "{core}");
    scene.wait_for_page()?;
    scene.wait_for_demonstration()
}
