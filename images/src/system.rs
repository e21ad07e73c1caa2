//! The read-only system image: one squashfs file, the same for every kernel
//!
//! Holds the box programs, busybox for the DHCP client, the compiled table of core units, the build
//! stamp, and empty folders to mount on. Reproducible: with the same inputs and the same
//! `SOURCE_DATE_EPOCH` it comes out byte for byte the same, because owners, times and order are fixed.
//!
//! Deliberately not here: a shell on any console, a package manager, set-uid files, device nodes.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use limen_proto::table::{Table, UNITS_PATH};

use crate::{tool, units};

/// Folder of the box programs.
pub const PROGRAMS: &str = "/usr/lib/limen/bin";
/// Where the third-party programs of the core find the one busybox.
pub const BUSYBOX: &str = "/usr/bin/busybox";
/// Text file with the build time, seconds since 1970.
pub const BUILD_STAMP: &str = "/usr/lib/limen/build";

/// Folders that something is mounted on, or that a program expects.
const EMPTY: [&str; 7] = ["data", "dev", "proc", "run", "sys", "tmp", "mnt"];
/// Files of this crate: path, permissions, content.
const FILES: [(&str, u32, &str); 4] = [
    (
        "usr/lib/limen/dhcp.sh",
        0o755,
        include_str!("../system/dhcp.sh"),
    ),
    ("etc/passwd", 0o644, include_str!("../system/passwd")),
    ("etc/group", 0o644, include_str!("../system/group")),
    (
        "etc/os-release",
        0o644,
        include_str!("../system/os-release"),
    ),
];

/// What goes into a system image.
#[derive(Debug)]
pub struct Contents<'a> {
    /// Box programs: name and file on the host.
    pub programs: &'a [(String, PathBuf)],
    /// Debian's static busybox for the box.
    pub busybox: &'a Path,
    /// The validated table; its build time is the image's.
    pub table: &'a Table,
    /// Folders whose content is laid over the root: for guests that are only measured.
    pub trees: &'a [PathBuf],
}

impl Contents<'_> {
    /// Writes the image to `target`, replacing what is there in one step.
    ///
    /// # Errors
    /// A program that the table starts is not among the contents; a file cannot be read; the host
    /// lacks `mksquashfs`.
    pub fn write(&self, target: &Path) -> Result<()> {
        self.check_complete()?;
        let parent = target.parent().context("image path without a folder")?;
        fs::create_dir_all(parent)?;
        let work = tempfile::Builder::new()
            .prefix("system")
            .tempdir_in(parent)?;
        let root = work.path().join("root");
        self.assemble(&root)?;
        let image = work.path().join("image");
        let time = self.table.built.to_string();
        tool::output(
            tool::command("mksquashfs")
                // It refuses its time options beside this variable.
                .env_remove("SOURCE_DATE_EPOCH")
                .args([&root, &image])
                .args([
                    "-quiet",
                    "-no-progress",
                    "-noappend",
                    "-no-xattrs",
                    "-all-root",
                ])
                .args(["-mkfs-time", &time, "-all-time", &time])
                // Debian's kernels know zstd in both versions; it unpacks three times as fast as xz.
                .args(["-comp", "zstd", "-Xcompression-level", "19", "-b", "128K"]),
        )?;
        fs::rename(&image, target).with_context(|| format!("write {}", target.display()))
    }

    /// Every program that the table starts must be in the image: init finds out too late.
    fn check_complete(&self) -> Result<()> {
        for unit in &self.table.units {
            let program = unit.command.iter().next().unwrap_or_default();
            let known = program == BUSYBOX
                || program
                    .strip_prefix(PROGRAMS)
                    .and_then(|rest| rest.strip_prefix('/'))
                    .is_some_and(|name| self.programs.iter().any(|(program, _)| program == name));
            ensure!(
                known,
                "unit {} starts {program}, which is not built into the image",
                unit.name
            );
        }
        Ok(())
    }

    fn assemble(&self, root: &Path) -> Result<()> {
        folder(root)?;
        for name in EMPTY {
            folder(&root.join(name))?;
        }
        for (name, file) in self.programs {
            let content = fs::read(file).with_context(|| format!("read {}", file.display()))?;
            place(root, &format!("{PROGRAMS}/{name}"), 0o755, &content)?;
        }
        let busybox =
            fs::read(self.busybox).with_context(|| format!("read {}", self.busybox.display()))?;
        place(root, BUSYBOX, 0o755, &busybox)?;
        for (path, permissions, content) in FILES {
            place(root, path, permissions, content.as_bytes())?;
        }
        place(root, UNITS_PATH, 0o644, &units::compile(self.table)?)?;
        place(
            root,
            BUILD_STAMP,
            0o644,
            format!("{}\n", self.table.built).as_bytes(),
        )?;
        for tree in self.trees {
            tool::output(
                tool::command("cp")
                    .args(["--archive", "--no-target-directory"])
                    .args([tree, root]),
            )?;
        }
        for (link, to) in [("bin", "usr/bin"), ("etc/mtab", "../proc/self/mounts")] {
            symlink(to, root.join(link)).with_context(|| format!("link {link}"))?;
        }
        Ok(())
    }
}

/// Changes when a file that this crate puts into every image changes.
#[must_use]
pub fn fingerprint() -> String {
    FILES
        .iter()
        .map(|(path, permissions, content)| format!("{path} {permissions:o}\n{content}"))
        .collect()
}

/// Writes a file with exact permissions, whatever the caller's umask, and the folders above it.
fn place(root: &Path, path: &str, permissions: u32, content: &[u8]) -> Result<()> {
    let target = root.join(path.trim_start_matches('/'));
    let mut missing: Vec<_> = target
        .ancestors()
        .skip(1)
        .take_while(|above| !above.is_dir())
        .collect();
    while let Some(above) = missing.pop() {
        folder(above)?;
    }
    fs::write(&target, content).with_context(|| format!("write {}", target.display()))?;
    fs::set_permissions(&target, fs::Permissions::from_mode(permissions))?;
    Ok(())
}

fn folder(path: &Path) -> Result<()> {
    fs::create_dir(path).with_context(|| format!("create {}", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    Ok(())
}
