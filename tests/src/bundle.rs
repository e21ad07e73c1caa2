//! Bundles made for a scenario: hostile, broken, foreign
//!
//! Packed and signed by limenctl, as a provider would.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::manifest::Manifest;

/// What a scenario's bundle is made of.
#[derive(Debug)]
pub struct Recipe<'a> {
    /// What it says of itself.
    pub manifest: &'a Manifest,
    /// Files of its root: path inside, and the file that is copied there, executable.
    pub programs: &'a [(&'a str, &'a Path)],
}

/// Packs a bundle and signs it when there is a key; returns its file.
///
/// # Errors
/// limenctl refused.
pub fn make(
    limenctl: &Path,
    folder: &Path,
    recipe: &Recipe<'_>,
    key: Option<&Path>,
) -> Result<PathBuf> {
    let root = folder.join("root");
    for (inside, program) in recipe.programs {
        let target = root.join(inside.trim_start_matches('/'));
        let parent = target.parent().context("a path inside has a folder")?;
        fs::create_dir_all(parent)?;
        fs::copy(program, &target).with_context(|| format!("cannot copy {}", program.display()))?;
        fs::set_permissions(&target, fs::Permissions::from_mode(0o755))?;
    }
    let manifest = folder.join("manifest.toml");
    fs::write(&manifest, recipe.manifest.to_string())?;
    let bundle = folder.join("scenario.bundle");
    run(Command::new(limenctl)
        .args(["bundle", "pack"])
        .args([&manifest, &root, &bundle]))?;
    if let Some(key) = key {
        run(Command::new(limenctl)
            .args(["bundle", "sign"])
            .arg(&bundle)
            .arg("--secret")
            .arg(key))?;
    }
    Ok(bundle)
}

fn run(command: &mut Command) -> Result<()> {
    let output = command
        .output()
        .with_context(|| format!("cannot execute {command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?} failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
