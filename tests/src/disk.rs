//! The data disk of a box that does not run, damaged on purpose

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// Overwrites the first bytes of a file in an ext4 image, in place: its inode stays as it was, as
/// after a flash cell died.
///
/// # Errors
/// The image or the file cannot be read, or e2fsprogs is missing.
pub fn damage(image: &Path, file: &str) -> Result<()> {
    let output = Command::new("debugfs")
        .arg("-R")
        .arg(format!("blocks {file}"))
        .arg(image)
        .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin")
        .output()
        .context("cannot execute debugfs (Debian package e2fsprogs)")?;
    let blocks = String::from_utf8_lossy(&output.stdout);
    let first: u64 = blocks
        .split_whitespace()
        .next()
        .and_then(|block| block.parse().ok())
        .with_context(|| format!("{file} has no blocks in {}: {blocks}", image.display()))?;
    ensure!(first > 0, "{file} is empty");
    let disk = OpenOptions::new().write(true).open(image)?;
    disk.write_all_at(&[0xa5; 256], first * block_size(image)?)?;
    disk.sync_all()?;
    Ok(())
}

/// Bytes of a block: the superblock at 1024 has their logarithm less 10 at offset 24
/// (`Documentation/filesystems/ext4/super.rst`).
fn block_size(image: &Path) -> Result<u64> {
    let disk = OpenOptions::new().read(true).open(image)?;
    let mut field = [0; 4];
    disk.read_exact_at(&mut field, 1024 + 24)?;
    let logarithm = u32::from_le_bytes(field);
    ensure!(logarithm <= 6, "{} holds no ext4", image.display());
    Ok(1024 << logarithm)
}
