//! The system image as squashfs's own tools see it

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use limen_images::system::Contents;
use limen_images::{tool, units};

/// Every program that the checked-in table starts, each a few bytes long.
fn programs(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let table = units::table(0)?;
    let names = table.units.iter().filter_map(|unit| {
        let program = unit.command.iter().next()?.to_owned();
        program
            .rsplit_once('/')
            .map(|(_, name)| name.to_owned())
            .filter(|name| name.starts_with("limen-"))
    });
    names
        .map(|name| {
            let path = folder.join(&name);
            fs::write(&path, &name).with_context(|| path.display().to_string())?;
            Ok((name, path))
        })
        .collect()
}

fn write(folder: &Path, name: &str, programs: &[(String, PathBuf)]) -> Result<PathBuf> {
    let busybox = folder.join("busybox");
    fs::write(&busybox, "busybox")?;
    let image = folder.join(name);
    Contents {
        programs,
        busybox: &busybox,
        table: &units::table(1_700_000_000)?,
        trees: &[],
    }
    .write(&image)?;
    Ok(image)
}

#[test]
fn the_image_belongs_to_root_and_has_no_danger_in_it() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let image = write(folder.path(), "image", &programs(folder.path())?)?;
    let listing = tool::text(tool::command("unsquashfs").arg("-lln").arg(&image))?;
    let entries: Vec<_> = listing
        .lines()
        .filter(|line| line.contains("squashfs-root"))
        .collect();
    assert!(entries.len() > 20, "{listing}");
    for entry in &entries {
        assert!(entry.contains(" 0/0 "), "not root's: {entry}");
        assert!(
            "-dl".contains(&entry[..1]),
            "neither file, folder nor link: {entry}"
        );
        assert!(
            !entry[..10].contains(['s', 'S', 't']),
            "set-uid or sticky: {entry}"
        );
        assert!(
            entry.starts_with('l') || !entry[4..10].contains('w'),
            "others may write: {entry}"
        );
    }
    for path in [
        "usr/lib/limen/bin/limen-steward",
        "usr/lib/limen/units",
        "usr/bin/busybox",
        "data",
        "run",
    ] {
        assert!(
            entries
                .iter()
                .any(|entry| entry.ends_with(&format!("squashfs-root/{path}"))),
            "{path}"
        );
    }
    let stamp = tool::text(
        tool::command("unsquashfs")
            .arg("-cat")
            .arg(&image)
            .arg("usr/lib/limen/build"),
    )?;
    assert_eq!(stamp, "1700000000\n");
    Ok(())
}

#[test]
fn the_same_inputs_give_the_same_bytes() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let programs = programs(folder.path())?;
    let one = fs::read(write(folder.path(), "one", &programs)?)?;
    let other = fs::read(write(folder.path(), "other", &programs)?)?;
    assert!(one == other);
    Ok(())
}

#[test]
fn a_program_that_was_not_built_is_named() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut programs = programs(folder.path())?;
    programs.retain(|(name, _)| name != "limen-broker");
    let error = write(folder.path(), "image", &programs)
        .map_or_else(|error| format!("{error:#}"), |_| String::new());
    assert!(
        error.contains("unit broker starts /usr/lib/limen/bin/limen-broker"),
        "{error}"
    );
    Ok(())
}
