//! The data disk of a box that does not run: looked at, and damaged on purpose

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

const REMEDY: &str = "cannot execute a program of Debian's package e2fsprogs";

/// Where Debian has them is not on everybody's path.
fn e2fsprogs(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin");
    command
}

/// Whether the journal of an ext4 image holds something to replay: it was not unmounted.
///
/// # Errors
/// The image cannot be read, or e2fsprogs is missing.
pub fn needs_recovery(image: &Path) -> Result<bool> {
    let mut command = e2fsprogs("dumpe2fs");
    let output = command.arg("-h").arg(image).output().context(REMEDY)?;
    let head = String::from_utf8_lossy(&output.stdout);
    let features = head
        .lines()
        .find(|line| line.starts_with("Filesystem features"));
    let features = features.with_context(|| format!("{} holds no ext4", image.display()))?;
    Ok(features.contains("needs_recovery"))
}

/// What a file in an ext4 image holds that was unmounted.
///
/// # Errors
/// The image or the file cannot be read, or e2fsprogs is missing.
pub fn read(image: &Path, file: &str) -> Result<Vec<u8>> {
    let mut command = e2fsprogs("debugfs");
    let command = command.arg("-R").arg(format!("cat {file}")).arg(image);
    let output = command.output().context(REMEDY)?;
    ensure!(
        !output.stdout.is_empty(),
        "{file} is empty or not in {}: {}",
        image.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(output.stdout)
}

/// Overwrites the first bytes of a file in an ext4 image, in place: its inode stays as it was, as
/// after a flash cell died.
///
/// # Errors
/// The image or the file cannot be read, or e2fsprogs is missing.
pub fn damage(image: &Path, file: &str) -> Result<()> {
    let output = e2fsprogs("debugfs")
        .arg("-R")
        .arg(format!("blocks {file}"))
        .arg(image)
        .output()
        .context(REMEDY)?;
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

/// Takes the quota of users from an ext4 image, or gives it back, by the words of the remedy.
///
/// # Errors
/// e2fsprogs is missing, or refuses.
pub fn user_quota(image: &Path, on: bool) -> Result<()> {
    let kinds = if on { "usrquota,prjquota" } else { "^usrquota" };
    let mut tune = e2fsprogs("tune2fs");
    tune.args(["-O", "quota", "-Q", kinds]).arg(image);
    succeeded(&mut tune, 0)?;
    // It may mend; 1 says that it did.
    succeeded(e2fsprogs("e2fsck").args(["-f", "-p"]).arg(image), 1)
}

fn succeeded(command: &mut Command, most: i32) -> Result<()> {
    let output = command.output().context(REMEDY)?;
    let fine = output.status.code().is_some_and(|code| code <= most);
    ensure!(fine, "{command:?}: {output:?}");
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
