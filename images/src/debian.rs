//! Packages of a Debian suite, fetched without touching the machine's apt
//!
//! Each suite and architecture has an apt of its own below the cache folder: source list, index
//! lists, downloaded packages, an empty list of installed ones. Only the mirror, the proxy settings
//! and the keyring are the machine's. apt checks the archive's signature, and each file against it.
//!
//! What was fetched once is remembered by name, so a second call starts no program. Newer versions
//! come only by [`Fetcher::forget`].
//!
//! Deliberately not here: installing. Packages are unpacked, their scripts never run.

mod apt;
mod mirror;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::{Report, tool};
use apt::Apt;
pub use mirror::Mirrors;

/// Fetches packages into one cache folder.
#[derive(Debug, Clone)]
pub struct Fetcher {
    cache: PathBuf,
    report: Report,
}

impl Fetcher {
    /// A fetcher with its files below `cache`, by convention `target/cache/apt`.
    pub fn new(cache: impl Into<PathBuf>, report: Report) -> Self {
        Self {
            cache: cache.into(),
            report,
        }
    }

    /// The named packages, without what they depend on, in the order of the names.
    ///
    /// A name may pin a version as apt writes it: `busybox-static=1:1.35.0-4`.
    ///
    /// # Errors
    /// The mirror cannot be reached, or does not have a package or version; a signature or digest
    /// is wrong; the cache cannot be written.
    pub fn fetch(
        &self,
        suite: &str,
        architecture: &str,
        packages: &[&str],
    ) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for package in packages {
            files
                .extend(self.remembered(suite, architecture, package, |apt| apt.uris_of(package))?);
        }
        Ok(files)
    }

    /// The named packages with everything that they need to run, in an order fit for unpacking.
    ///
    /// Resolved by apt itself for an empty system, without recommendations.
    ///
    /// # Errors
    /// As [`Fetcher::fetch`].
    pub fn closure(
        &self,
        suite: &str,
        architecture: &str,
        packages: &[&str],
    ) -> Result<Vec<PathBuf>> {
        let key = format!("closure-{}", packages.join("-"));
        self.remembered(suite, architecture, &key, |apt| {
            apt.uris_of_closure(packages)
        })
    }

    /// The package that a meta package stands for: the first that it depends on.
    ///
    /// # Errors
    /// As [`Fetcher::fetch`], or it depends on nothing.
    pub fn follow(&self, suite: &str, architecture: &str, meta: &str) -> Result<String> {
        let _lock = self.lock()?;
        let apt = self.open(suite, architecture)?;
        apt.first_dependency(meta)
    }

    /// Forgets the suite's lists and which files belong to which name, but no downloaded file: the
    /// next call asks the mirror what is newest.
    ///
    /// # Errors
    /// The cache cannot be written.
    pub fn forget(&self, suite: &str, architecture: &str) -> Result<()> {
        let _lock = self.lock()?;
        Apt::forget(&self.folder(suite, architecture))
    }

    fn folder(&self, suite: &str, architecture: &str) -> PathBuf {
        self.cache.join(format!("{suite}-{architecture}"))
    }

    fn open(&self, suite: &str, architecture: &str) -> Result<Apt> {
        Apt::open(
            &self.folder(suite, architecture),
            suite,
            architecture,
            self.report,
        )
    }

    /// Two runs beside each other must not download into the same file.
    fn lock(&self) -> Result<File> {
        fs::create_dir_all(&self.cache)
            .with_context(|| format!("create {}", self.cache.display()))?;
        let path = self.cache.join("lock");
        let lock = File::create(&path).with_context(|| format!("create {}", path.display()))?;
        lock.lock()
            .with_context(|| format!("lock {}", path.display()))?;
        Ok(lock)
    }

    fn remembered(
        &self,
        suite: &str,
        architecture: &str,
        key: &str,
        resolve: impl Fn(&Apt) -> Result<Vec<String>>,
    ) -> Result<Vec<PathBuf>> {
        let folder = self.folder(suite, architecture);
        let note = folder.join("resolved").join(key.replace('/', "_"));
        if let Some(files) = recall(&folder, &note) {
            return Ok(files);
        }
        let _lock = self.lock()?;
        if let Some(files) = recall(&folder, &note) {
            return Ok(files);
        }
        let apt = self.open(suite, architecture)?;
        let names = apt.download(key, resolve)?;
        fs::write(&note, names.join("\n")).with_context(|| format!("write {}", note.display()))?;
        recall(&folder, &note)
            .with_context(|| format!("apt reported success, but not all files of {key} are there"))
    }
}

/// The files that a note names, if it exists and all of them do.
fn recall(folder: &Path, note: &Path) -> Option<Vec<PathBuf>> {
    let names = fs::read_to_string(note).ok()?;
    let files: Vec<_> = names
        .lines()
        .map(|name| folder.join(apt::PACKAGES).join(name))
        .collect();
    files.iter().all(|file| file.is_file()).then_some(files)
}

/// Unpacks the files of a package below `destination`, running none of its scripts.
///
/// # Errors
/// `dpkg-deb` is missing or refuses the package.
pub fn unpack(package: &Path, destination: &Path) -> Result<()> {
    fs::create_dir_all(destination).with_context(|| format!("create {}", destination.display()))?;
    tool::output(
        tool::command("dpkg-deb")
            .arg("--extract")
            .arg(package)
            .arg(destination),
    )
    .map(drop)
}
