//! A volume's size is held by the kernel, and what lies in it is its bundle's account

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::walls::{hostile, with_adversary};
use super::{Scene, bundle, wait_for_line};
use crate::console::Console;
use crate::disk;
use crate::patience::wait_for;

/// The hostile bundle's volume, bytes.
const SIZE: u64 = 1 << 20;
/// What an indivisible write may leave free: a block of data and one that maps it.
const BLOCKS: u64 = 2 * 4096;

/// Fills a volume, leaves it full, and looks at who notices. Case C-07.
pub(super) fn a_volume_is_held_to_its_size(scene: &mut Scene) -> Result<()> {
    let restarts = bundle(&scene.alarm, "mqtt")?["restarts"].clone();
    with_adversary(scene, &hostile("hoard", &["hoard"]), |console| {
        let du = wait_for_line(console, "hoard", 0, "hoard du ")?;
        for what in ["files", "bytes"] {
            let line = wait_for_line(console, "hoard", 0, &format!("hoard {what} "))?;
            ensure!(line.ends_with(" EDQUOT"), "{line}");
        }
        let (bytes, inodes) = measured(&du)?;
        ensure!(
            bytes <= SIZE && bytes + BLOCKS > SIZE,
            "{bytes} of {SIZE}: {du}"
        );
        let full = counted(console, "hoard", bytes, inodes)?;
        ensure!(full["disk-limit"] == SIZE, "{full}");
        ensure!(full["posture"]["disk-quota"] == true, "{full}");
        let told = console.json(&["bundle", "explain", "hoard"])?.to_string();
        ensure!(
            told.contains("volumes full") && told.contains("[[volumes]] data"),
            "{told}"
        );
        // A sibling in the same virtual gateway is installed and writes its own volume.
        with_adversary(scene, &hostile("sibling", &["controls"]), |console| {
            let line = wait_for_line(console, "sibling", 0, "control write ")?;
            ensure!(line.ends_with(" ok"), "{line}");
            Ok(())
        })?;
        scene.wait_for_demonstration()?;
        // A version with half the room has what is there, and gets nothing more.
        let smaller = hostile("hoard", &["measure"])
            .with("version", "1.0.1")
            .with("counter", 2)
            .keeping("512KiB");
        scene.install(&smaller, &[("/bin/adversary", &scene.adversary)])?;
        let refused = wait_for_line(console, "hoard", 0, "hoard more ")?;
        ensure!(refused.ends_with(" EDQUOT"), "{refused}");
        let over = counted(console, "hoard", bytes, inodes)?;
        ensure!(over["disk-limit"] == SIZE / 2, "{over}");
        // What is kept is still its own.
        let keep = ["bundle", "uninstall", "hoard", "--keep-volumes"];
        console.run(&keep)?.succeeded()?;
        let kept = counted(console, "hoard", bytes, inodes)?;
        ensure!(kept["state"] == "Uninstalled", "{kept}");
        Ok(())
    })?;
    // Its place is given to the next, which begins with its own folder.
    with_adversary(scene, &hostile("heir", &["measure"]), |console| {
        let (bytes, inodes) = measured(&wait_for_line(console, "heir", 0, "hoard du ")?)?;
        ensure!(inodes == 1, "{inodes} files in a new volume");
        let room = wait_for_line(console, "heir", 0, "hoard more ")?;
        ensure!(room.ends_with(" ok"), "{room}");
        counted(console, "heir", bytes, inodes).map(drop)
    })?;
    ensure!(
        bundle(&scene.alarm, "mqtt")?["restarts"] == restarts,
        "a neighbour in the same virtual gateway was hit"
    );
    scene.wait_for_demonstration()?;
    scene.wait_for_page().map(drop)
}

/// A data disk that was made before there were quotas of users is used as it was, and said; the
/// remedy that is said puts them in force.
pub(super) fn an_older_disk_is_used_and_named(scene: &mut Scene) -> Result<()> {
    let volume_quota = |scene: &Scene| -> Result<Option<Value>> {
        let core = scene.operator.json(&["core", "show"])?;
        let lacks = core["kernel-lacks"].as_array().cloned().unwrap_or_default();
        Ok(lacks
            .into_iter()
            .find(|lack| lack["name"] == "volume-quota"))
    };
    let data = scene.gateway.folder().join("data.img");
    for on in [false, true] {
        ensure!(scene.gateway.stop()?, "it did not end in order");
        disk::user_quota(&data, on)?;
        scene.gateway.boot_again()?;
        scene.renew()?;
        scene.wait_for_page()?;
        scene.wait_for_demonstration()?;
        // The kernel is looked at when what shall run is on its way.
        let lack = wait_for(format!("quotas of users: {on}"), || {
            let lack = volume_quota(scene)?;
            ensure!(lack.is_none() == on, "{lack:?}");
            Ok(lack)
        })?;
        if let Some(lack) = lack {
            let remedy = lack["remedy"].as_str().unwrap_or_default();
            ensure!(remedy.contains("-Q usrquota,prjquota"), "{lack}");
            ensure!(lack["required"] == false, "{lack}");
        }
        let mqtt = bundle(&scene.alarm, "mqtt")?;
        ensure!(mqtt["posture"]["disk-quota"] == on, "{mqtt}");
        let alarm = scene.operator.json(&["vgw", "posture", "alarm"])?;
        ensure!(
            alarm["disk-quota"] == true,
            "the whole is not held: {alarm}"
        );
    }
    wait_for("alarm's volume is counted", || {
        let mqtt = bundle(&scene.alarm, "mqtt")?;
        ensure!(mqtt["disk-usage"].as_u64() > Some(0), "{mqtt}");
        Ok(())
    })
}

/// Bytes and inodes of a line `hoard du BYTES INODES`.
fn measured(line: &str) -> Result<(u64, u64)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let number = |place: usize| words.get(place).and_then(|word| word.parse().ok());
    number(2)
        .zip(number(3))
        .with_context(|| format!("no numbers: {line}"))
}

/// Waits until the account is what du(1) says. limen-jail looks when somebody asks.
fn counted(console: &Console, name: &str, bytes: u64, inodes: u64) -> Result<Value> {
    wait_for(format!("{bytes} bytes and {inodes} inodes"), || {
        let now = bundle(console, name)?;
        ensure!(
            now["disk-usage"] == bytes && now["inode-count"] == inodes,
            "{now}"
        );
        Ok(now)
    })
}
