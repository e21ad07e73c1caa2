//! Everything that a box boots from, made again only when an input changed
//!
//! Below the workspace's target folder:
//!
//! | path | content |
//! | --- | --- |
//! | `cache/apt` | Debian's packages |
//! | `cache/kernel/<package>` | unpacked kernels |
//! | `image/system.squashfs` | the system image, the same for every kernel |
//! | `image/<kernel>/initramfs` | early stage and modules |
//!
//! Beside each made file lies a stamp, the digest of all that went into it; the same digest, and
//! nothing is done.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use sha2::{Digest as _, Sha256};

use crate::Report;
use crate::cpio::Archive;
use crate::debian::{self, Fetcher};
use crate::kernel::{self, Kernel};
use crate::system::Contents;
use crate::units;

/// Name of the program that becomes `/init` of the initramfs.
pub const EARLY: &str = "limen-early";
const BUSYBOX_SUITE: &str = "bookworm";

/// What a box boots from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Kernel image.
    pub kernel: PathBuf,
    /// Debian's package and version of the kernel.
    pub kernel_version: String,
    /// Initramfs.
    pub initramfs: PathBuf,
    /// System image.
    pub system: PathBuf,
}

impl Image {
    /// Name and size in bytes of each part.
    ///
    /// # Errors
    /// A part is gone.
    pub fn sizes(&self) -> Result<Vec<(&'static str, u64)>> {
        [
            ("kernel", &self.kernel),
            ("initramfs", &self.initramfs),
            ("system image", &self.system),
        ]
        .into_iter()
        .map(|(name, path)| {
            Ok((
                name,
                fs::metadata(path)
                    .with_context(|| path.display().to_string())?
                    .len(),
            ))
        })
        .collect()
    }
}

/// Builds images below one target folder.
#[derive(Debug, Clone)]
pub struct Builder {
    target: PathBuf,
    report: Report,
}

impl Builder {
    /// A builder that writes below `target`, cargo's target folder.
    pub fn new(target: impl Into<PathBuf>, report: Report) -> Self {
        Self {
            target: target.into(),
            report,
        }
    }

    /// The package cache that this builder uses.
    #[must_use]
    pub fn fetcher(&self) -> Fetcher {
        Fetcher::new(self.target.join("cache/apt"), self.report)
    }

    /// Fetches and unpacks a kernel of `kernels.toml` and nothing else, for a first download beside
    /// a compilation.
    ///
    /// # Errors
    /// As [`Kernel::open`].
    pub fn kernel(&self, name: &str) -> Result<Kernel> {
        Kernel::open(
            &kernel::pin(name)?,
            &self.fetcher(),
            &self.target.join("cache/kernel"),
            self.report,
        )
    }

    /// Builds what a box with that kernel boots from.
    ///
    /// `programs` are names and static executables of all core programs, [`EARLY`] among them.
    ///
    /// # Errors
    /// A program is missing, a package cannot be fetched, a table is invalid, or the host lacks a tool.
    pub fn build(&self, kernel: &str, programs: &[(String, PathBuf)]) -> Result<Image> {
        let (early, box_programs): (Vec<_>, Vec<_>) = programs
            .iter()
            .cloned()
            .partition(|(name, _)| name == EARLY);
        let (_, early) = early
            .first()
            .with_context(|| format!("{EARLY} is not among the programs"))?;
        let kernel = self.kernel(kernel)?;
        let _lock = self.lock()?;
        let initramfs = self
            .target
            .join("image")
            .join(&kernel.name)
            .join("initramfs");
        self.initramfs(&kernel, early, &initramfs)?;
        let system = self.target.join("image/system.squashfs");
        self.system(box_programs, &system)?;
        Ok(Image {
            kernel: kernel.image,
            kernel_version: kernel.version,
            initramfs,
            system,
        })
    }

    /// Two builds beside each other must not write the same file.
    fn lock(&self) -> Result<fs::File> {
        let folder = self.target.join("image");
        fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        let lock =
            fs::File::create(folder.join("lock")).context("create the image folder's lock")?;
        lock.lock().context("lock the image folder")?;
        Ok(lock)
    }

    fn initramfs(&self, kernel: &Kernel, early: &Path, target: &Path) -> Result<()> {
        let mut inputs = Inputs::new("initramfs 1");
        inputs.file(early)?;
        for (module, parameters) in &kernel.modules {
            inputs.file(module)?;
            inputs.text(parameters);
        }
        inputs.make(target, || {
            (self.report)(&format!(
                "building the initramfs for kernel {}",
                kernel.name
            ));
            let bytes = archive(kernel, early)?;
            fs::write(target, bytes).with_context(|| format!("write {}", target.display()))
        })
    }

    fn system(&self, mut programs: Vec<(String, PathBuf)>, target: &Path) -> Result<()> {
        programs.sort();
        let busybox = self.busybox()?;
        let mut inputs = Inputs::new("system 1");
        for (name, program) in &programs {
            inputs.text(name);
            inputs.file(program)?;
        }
        inputs.file(&busybox)?;
        // Without its time: that alone makes no new image.
        inputs.bytes(&units::compile(&units::table(0)?)?);
        inputs.text(&crate::system::fingerprint());
        inputs.make(target, || {
            (self.report)("building the system image");
            let table = units::table(build_time()?)?;
            Contents {
                programs: &programs,
                busybox: &busybox,
                table: &table,
                trees: &[],
            }
            .write(target)
        })
    }

    /// Debian's static busybox for the box, unpacked.
    ///
    /// # Errors
    /// The package cannot be fetched, or holds no busybox.
    pub fn busybox(&self) -> Result<PathBuf> {
        let packages = self
            .fetcher()
            .fetch(BUSYBOX_SUITE, "arm64", &["busybox-static"])?;
        let package = packages
            .first()
            .context("apt gave no file for busybox-static")?;
        let stem = package.file_stem().context("package without a name")?;
        let folder = self.target.join("cache/package").join(stem);
        // Debian 13 moved it below /usr.
        let find = || {
            ["usr/bin/busybox", "bin/busybox"]
                .map(|below| folder.join(below))
                .into_iter()
                .find(|path| path.is_file())
        };
        if find().is_none() {
            debian::unpack(package, &folder)?;
        }
        find().with_context(|| format!("{} holds no busybox", package.display()))
    }
}

fn archive(kernel: &Kernel, early: &Path) -> Result<Vec<u8>> {
    let mut archive = Archive::new(Vec::new());
    for folder in ["dev", "proc", "sys", "newroot", "modules"] {
        archive.directory(folder)?;
    }
    // The kernel opens it for its first program, before any /dev is mounted.
    archive.character("dev/console", 5, 1)?;
    archive.file(
        "init",
        0o755,
        &fs::read(early).with_context(|| format!("read {}", early.display()))?,
    )?;
    let mut list = String::new();
    for (module, parameters) in &kernel.modules {
        let name = module
            .file_name()
            .context("module without a name")?
            .to_string_lossy();
        archive.file(&format!("modules/{name}"), 0o644, &fs::read(module)?)?;
        list.push_str(format!("{name} {parameters}").trim_end());
        list.push('\n');
    }
    archive.file("modules.list", 0o644, list.as_bytes())?;
    Ok(archive.finish()?)
}

/// Now, or `SOURCE_DATE_EPOCH` for a build that shall come out the same.
fn build_time() -> Result<u64> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text
            .parse()
            .context("SOURCE_DATE_EPOCH is not a number of seconds"),
        Err(_) => Ok(SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .context("the host's clock is before 1970")?
            .as_secs()),
    }
}

/// The digest of everything that goes into one made file.
struct Inputs(Sha256);

impl Inputs {
    /// `recipe` changes when the way of making changes.
    fn new(recipe: &str) -> Self {
        let mut inputs = Self(Sha256::new());
        inputs.text(recipe);
        inputs
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        // With its length, so that two texts cannot run into each other.
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    fn file(&mut self, path: &Path) -> Result<()> {
        self.bytes(&fs::read(path).with_context(|| format!("read {}", path.display()))?);
        Ok(())
    }

    /// Runs `make` unless `target` was made from the same inputs.
    fn make(self, target: &Path, make: impl FnOnce() -> Result<()>) -> Result<()> {
        let digest: String = self
            .0
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let stamp = PathBuf::from(format!("{}.stamp", target.display()));
        if target.is_file() && fs::read_to_string(&stamp).is_ok_and(|old| old == digest) {
            return Ok(());
        }
        let parent = target.parent().context("target without a folder")?;
        fs::create_dir_all(parent).with_context(|| format!("create {}", parent.display()))?;
        // Gone first: an interrupted run must not leave a stamp that tells of the old content.
        if stamp.exists() {
            fs::remove_file(&stamp)?;
        }
        make()?;
        ensure!(target.is_file(), "{} was not made", target.display());
        fs::write(&stamp, digest).with_context(|| format!("write {}", stamp.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::Inputs;
    use std::fs;

    #[test]
    fn nothing_is_done_twice_and_a_change_is_seen() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let (target, source) = (folder.path().join("out"), folder.path().join("in"));
        let run = || -> anyhow::Result<bool> {
            let mut made = false;
            let mut inputs = Inputs::new("test");
            inputs.file(&source)?;
            inputs.make(&target, || {
                made = true;
                Ok(fs::copy(&source, &target).map(drop)?)
            })?;
            Ok(made)
        };
        fs::write(&source, "one")?;
        assert!(run()? && !run()?);
        fs::write(&source, "two")?;
        assert!(run()? && !run()?);
        fs::remove_file(&target)?;
        assert!(run()?);
        Ok(())
    }
}
