//! Power cuts and orderly ends

use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::{Scene, accounts, log_end, wait_for_line};
use crate::disk;
use crate::mqtt::Client;
use crate::patience::wait_for;

/// Longer than ext4 waits before it writes what nobody asked it to write (5 s).
const SETTLE: Duration = Duration::from_secs(8);

/// After a power cut both virtual gateways come back by themselves, with bundles, volumes and grants.
pub(super) fn everything_comes_back(scene: &mut Scene) -> Result<()> {
    scene.wait_for_demonstration()?;
    let grants = scene.energy.json(&["grant", "list"])?;
    let digest = |scene: &Scene| Ok(super::bundle(&scene.energy, "web")?["digest"].clone());
    let before: Result<_> = digest(scene);
    // Kept by alarm's broker in its volume.
    let mqtt = scene.gateway.variable("LIMEN_PORT_ALARM_MQTT")?;
    let word = format!("kept on {}", scene.gateway.kernel());
    Client::connect(mqtt, "before")?.retain("limen/power-cut", &word)?;
    // Accounts are written when a virtual gateway ends; else this would have to wait for 15 minutes.
    let used = accounts::in_all(scene)?;
    let restart = ["vgw", "restart", "energy"];
    scene.operator.run(&restart)?.succeeded()?;
    scene.wait_for_page()?;
    thread::sleep(SETTLE);
    scene.gateway.cut_power()?;
    let data = scene.gateway.folder().join("data.img");
    ensure!(
        disk::needs_recovery(&data)?,
        "a cut disk looks clean: the check below is worthless"
    );
    scene.gateway.boot_again()?;
    scene.renew()?;
    scene.wait_for_page()?;
    scene.wait_for_demonstration()?;
    ensure!(digest(scene)? == before?, "another bundle came back");
    let now = accounts::in_all(scene)?;
    ensure!(
        now.0 >= used.0 && now.1 >= used.1,
        "accounts began anew: {used:?} before, {now:?} after"
    );
    let again = scene.energy.json(&["grant", "list"])?;
    ensure!(
        again[0]["id"] == grants[0]["id"],
        "the grant is another: {again}"
    );
    let mqtt = scene.gateway.variable("LIMEN_PORT_ALARM_MQTT")?;
    wait_for("the message in alarm's volume", || {
        let message = Client::connect(mqtt, "after")?.first("limen/power-cut")?;
        ensure!(message == word, "it says {message}");
        Ok(())
    })?;
    let end = log_end(&scene.alarm, "presence")?;
    wait_for_line(&scene.alarm, "presence", end, "power=")?;
    Ok(())
}

/// The steward's file is destroyed: the box boots from the previous generation, and says so.
pub(super) fn a_damaged_state_file_is_survived(scene: &mut Scene) -> Result<()> {
    ensure!(scene.gateway.stop()?, "it had to be cut off");
    let data = scene.gateway.folder().join("data.img");
    disk::damage(&data, "/limen/state/steward.sqlite")?;
    scene.gateway.boot_again()?;
    scene.renew()?;
    scene.wait_for_page()?;
    scene.wait_for_demonstration()?;
    let core = scene.operator.json(&["core", "show"])?;
    let warnings = core["warnings"].to_string();
    ensure!(
        warnings.contains("damaged"),
        "nothing is said of the damage: {core}"
    );
    let audit = scene.operator.json(&["audit"])?;
    let texts: Vec<_> = audit
        .as_array()
        .into_iter()
        .flatten()
        .map(|event| event["text"].to_string())
        .collect();
    let damage = texts.iter().rposition(|text| text.contains("damaged"));
    let damage = damage.with_context(|| format!("no event about the damage: {audit}"))?;
    // What was done half a second before is in the previous generation too.
    let mut since = texts.iter().skip(damage);
    ensure!(
        !since.any(|text| text.contains("created the virtual gateway")),
        "virtual gateways had to be created again: {audit}"
    );
    Ok(())
}

/// How a journal begins that is to be rolled back (SQLite's file format, 3); the end of a commit
/// overwrites it.
const JOURNAL: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

/// `stop` ends units, then the box, and the next boot finds no disk and no commit to repair.
pub(super) fn the_box_ends_in_order(scene: &mut Scene) -> Result<()> {
    let (processor, sent) = accounts::in_all(scene)?;
    ensure!(
        scene.gateway.stop()?,
        "it had to be cut off:\n{}",
        tail(&scene.gateway.serial())
    );
    let serial = scene.gateway.serial();
    ensure!(!serial.contains("Kernel panic"), "{}", tail(&serial));
    let data = scene.gateway.folder().join("data.img");
    ensure!(
        !disk::needs_recovery(&data)?,
        "the data disk was not unmounted:\n{}",
        tail(&serial)
    );
    let journal = disk::read(&data, "/limen/state/steward.sqlite-journal")?;
    ensure!(
        !journal.starts_with(&JOURNAL),
        "the steward was cut off in the middle of a commit: its journal is valid"
    );
    scene.gateway.boot_again()?;
    scene.renew()?;
    scene.wait_for_page()?;
    let now = accounts::in_all(scene)?;
    ensure!(
        now.0 >= processor && now.1 >= sent,
        "accounts began anew: {processor} us and {sent} bytes before, {now:?} after"
    );
    Ok(())
}

fn tail(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines
        .get(lines.len().saturating_sub(25)..)
        .unwrap_or_default()
        .join("\n")
}
