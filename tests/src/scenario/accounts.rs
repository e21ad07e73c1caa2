//! What is used is counted, per virtual gateway and bundle, over lives

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{Scene, wait_for_active};
use crate::console::Console;
use crate::patience::wait_for;

/// The account of one of a console's: of a virtual gateway, or of a bundle.
fn account(console: &Console, noun: &str, name: &str) -> Result<Value> {
    let used = console.json(&[noun, "usage", name])?;
    used.as_array()
        .and_then(|list| list.first())
        .cloned()
        .with_context(|| format!("no account: {used}"))
}

fn total(of: &Value, what: &str) -> Result<u64> {
    of["total"][what]
        .as_u64()
        .with_context(|| format!("no {what} in {of}"))
}

/// What energy has used in all: processor time and bytes sent.
pub(super) fn in_all(scene: &Scene) -> Result<(u64, u64)> {
    let energy = account(&scene.operator, "vgw", "energy")?;
    Ok((total(&energy, "cpu-usage")?, total(&energy, "bytes-sent")?))
}

/// Traffic, processor time, disk; a killed life's account goes on in the next one's.
pub(super) fn use_is_counted(scene: &mut Scene) -> Result<()> {
    wait_for_active(&scene.energy, "web")?;
    let web = account(&scene.energy, "bundle", "web")?;
    let (_, sent) = in_all(scene)?;
    let page = scene.wait_for_page()?;
    for _ in 0..10 {
        scene.page("/")?;
    }
    let more = u64::try_from(page.len())? * 10;
    // limen-jail looks at the link when somebody asks, and the answer after that has it.
    wait_for("ten pages are counted", || {
        let (_, now) = in_all(scene)?;
        ensure!(now >= sent + more, "{sent} bytes before, {now} now");
        Ok(())
    })?;
    let energy = account(&scene.operator, "vgw", "energy")?;
    for what in [
        "packets-sent",
        "packets-received",
        "bytes-received",
        "memory-peak",
    ] {
        ensure!(total(&energy, what)? > 0, "no {what}: {energy}");
    }
    ensure!(energy["disk-usage"].as_u64() > Some(0), "no disk: {energy}");
    // Its bundles were installed by runs of the core's.
    for what in ["cpu-usage", "memory-peak", "disk-bytes-written"] {
        let used = &energy["install-total"][what];
        ensure!(used.as_u64() > Some(0), "no {what} of installing: {energy}");
    }
    ensure!(
        energy["month"]["cpu-usage"].as_u64() <= energy["total"]["cpu-usage"].as_u64(),
        "{energy}"
    );
    // The page's own program kills its server, so no answer is the right answer.
    let _ = scene.page("/cgi-bin/crash");
    wait_for("the restart is in the account", || {
        let now = account(&scene.energy, "bundle", "web")?;
        ensure!(total(&now, "restarts")? > total(&web, "restarts")?, "{now}");
        ensure!(
            total(&now, "cpu-usage")? >= total(&web, "cpu-usage")?,
            "what the killed life used is lost: {web}, {now}"
        );
        Ok(())
    })?;
    let months = scene
        .operator
        .json(&["vgw", "usage", "energy", "--months"])?;
    let last = months.as_array().and_then(|months| months.last());
    ensure!(
        last.is_some_and(|month| month["month"] == energy["month"]["month"]),
        "{months}"
    );
    // Of a bundle only its provider sees what it used.
    scene.operator.refused(&["bundle", "usage", "web"])?;
    let core = scene.operator.json(&["core", "show"])?;
    let units = core["units"].as_array().context("no units")?;
    ensure!(
        units
            .iter()
            .any(|unit| unit["total"]["cpu-usage"].as_u64() > Some(0)),
        "core programs have no account: {core}"
    );
    scene.wait_for_page()?;
    scene.wait_for_demonstration()
}

/// What an out-of-memory kill leaves: its own fault, a count, an event for the provider.
pub(super) fn starved(console: &Console, name: &str) -> Result<()> {
    let now = super::bundle(console, name)?;
    ensure!(now["fault"] == "X_LIMEN_OutOfMemory", "{now}");
    let account = account(console, "bundle", name)?;
    ensure!(total(&account, "out-of-memory-kills")? > 0, "{account}");
    let audit = console.json(&["audit"])?;
    let mut events = audit.as_array().into_iter().flatten();
    ensure!(
        events.any(|event| {
            let text = event["text"].as_str().unwrap_or_default();
            text.contains("out of memory") && text.contains(name)
        }),
        "{audit}"
    );
    Ok(())
}

/// A volume that is spent cuts the virtual gateway off, and a larger one lets it go on.
pub(super) fn a_spent_volume_cuts(scene: &mut Scene) -> Result<()> {
    scene.wait_for_page()?;
    let limit = |volume: &str| -> Result<()> {
        let words = ["vgw", "limit", "energy", "--volume", volume];
        scene.operator.run(&words)?.succeeded().map(drop)
    };
    let spent = |wanted: bool| {
        wait_for(format!("volume spent: {wanted}"), || {
            let vgw = scene.operator.json(&["vgw", "show", "energy"])?;
            ensure!(vgw["volume-spent"] == wanted, "{vgw}");
            Ok(())
        })
    };
    // More than this has passed in any month in which the page was served.
    limit("1KiB")?;
    spent(true)?;
    wait_for("nothing passes", || {
        ensure!(scene.page("/").is_err(), "the page is served");
        Ok(())
    })?;
    for console in [&scene.energy, &scene.operator] {
        let audit = console.json(&["audit"])?;
        ensure!(
            audit.to_string().contains("volume of 1 KiB is spent"),
            "{audit}"
        );
    }
    limit("64GiB")?;
    spent(false)?;
    scene.wait_for_page()?;
    limit("0")?;
    scene.wait_for_demonstration()
}
