//! The data disk: the only thing on the box that outlives a power cut
//!
//! A sparse raw file with ext4, quotas of projects and users in force from the first mount, and the
//! provisioned certificates in it. Made once; never touched again by the builder, because from then on it is the
//! box's. Everything that ext4 would otherwise do lazily in the background is done here, so that a
//! boot costs the same each time.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::tool;

/// Smallest size, bytes: below, ext4's journal alone would fill a large part of it.
pub const SMALLEST: u64 = 64 << 20;
/// Uid and gid of the steward, who alone reads what is provisioned; as in `units.toml`.
const STEWARD: u32 = 900;

/// What a new data disk holds: PEM files of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provision {
    /// Certificate authority that the operator's certificates must come from.
    pub operator_ca: PathBuf,
    /// The gateway's own certificate chain.
    pub gateway_certificate: PathBuf,
    /// The gateway's private key.
    pub gateway_key: PathBuf,
}

/// Makes the disk if there is none; returns whether it was made.
///
/// # Errors
/// `size` is below [`SMALLEST`]; a provisioned file cannot be read; the host lacks `mkfs.ext4`.
pub fn ensure_disk(path: &Path, size: u64, provision: &Provision) -> Result<bool> {
    if path.exists() {
        return Ok(false);
    }
    ensure!(
        size >= SMALLEST,
        "a data disk of {size} bytes is too small: at least {SMALLEST}"
    );
    let parent = path.parent().context("disk path without a folder")?;
    fs::create_dir_all(parent).with_context(|| format!("create {}", parent.display()))?;
    let work = tempfile::Builder::new().prefix("disk").tempdir_in(parent)?;
    let seed = work.path().join("seed");
    let content = fill(&seed, provision)?;
    let image = work.path().join("image");
    File::create(&image)?
        .set_len(size)
        .with_context(|| format!("reserve {size} bytes"))?;
    format(&image, &seed)?;
    own(&image, &content, work.path())?;
    enforce_quota(&image)?;
    // Complete or absent: an interrupted run must not leave half a disk that looks like one.
    fs::rename(&image, path).with_context(|| format!("write {}", path.display()))?;
    Ok(true)
}

/// An entry of the new file system: path, owner, mode with its type.
type Entry = (&'static str, u32, u32);

/// Folders and files of a new disk; the rest is made by those who own it.
fn fill(seed: &Path, provision: &Provision) -> Result<Vec<Entry>> {
    let folders: [Entry; 4] = [
        ("/limen", 0, 0o040_755),
        ("/limen/provision", STEWARD, 0o040_700),
        ("/limen/state", STEWARD, 0o040_700),
        ("/limen/tenant", 0, 0o040_711),
    ];
    let files: [(Entry, &Path); 3] = [
        (
            ("/limen/provision/operator-ca.pem", STEWARD, 0o100_400),
            &provision.operator_ca,
        ),
        (
            ("/limen/provision/gateway.pem", STEWARD, 0o100_400),
            &provision.gateway_certificate,
        ),
        (
            ("/limen/provision/gateway.key", STEWARD, 0o100_400),
            &provision.gateway_key,
        ),
    ];
    let mut entries = Vec::from(folders);
    for (path, ..) in folders {
        fs::create_dir_all(seed.join(path.trim_start_matches('/')))?;
    }
    for (entry, from) in files {
        fs::copy(from, seed.join(entry.0.trim_start_matches('/')))
            .with_context(|| format!("read {}", from.display()))?;
        entries.push(entry);
    }
    Ok(entries)
}

fn format(image: &Path, seed: &Path) -> Result<()> {
    tool::output(
        tool::command("mkfs.ext4")
            .args(["-q", "-F", "-L", "limen-data", "-O", "project", "-d"])
            .arg(seed)
            // Many small files: manifests, programs, volumes of a few kilobytes.
            .args(["-i", "8192", "-m", "1"])
            .args([
                "-E",
                "lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0,discard",
            ])
            .arg(image),
    )
    .map(drop)
}

/// Gives the entries their owners and modes inside the image: on the host only root could.
fn own(image: &Path, entries: &[Entry], work: &Path) -> Result<()> {
    let mut orders = String::new();
    for (path, owner, mode) in entries {
        for (field, value) in [
            ("uid", owner.to_string()),
            ("gid", owner.to_string()),
            ("mode", format!("0{mode:o}")),
        ] {
            orders.push_str(&format!("set_inode_field {path} {field} {value}\n"));
        }
    }
    let script = work.join("orders");
    fs::write(&script, orders)?;
    tool::output(
        tool::command("debugfs")
            .arg("-w")
            .arg("-f")
            .arg(&script)
            .arg(image),
    )
    .map(drop)
}

/// Last, so that the quota's books are written with everything already in: mkfs.ext4 writes them before
/// it fills the disk, and leaves them wrong.
fn enforce_quota(image: &Path) -> Result<()> {
    tool::output(
        tool::command("tune2fs")
            .args(["-O", "quota", "-Q", "usrquota,^grpquota,prjquota"])
            .arg(image),
    )
    .map(drop)
}
