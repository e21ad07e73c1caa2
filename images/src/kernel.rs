//! A pinned kernel: its image, and the modules of the box in loading order
//!
//! `kernels.toml` pins name, version and digest of Debian's package. When the mirror no longer has
//! that version, the newest of the suite is taken: apt has checked its signature, [`Kernel::pinned`]
//! is false and the report says so. [`update`] brings the pins up to date.
//!
//! The package is unpacked once below the cache; modules are made plain there (decompressed, without
//! signature), so that the box's boot does neither.

mod files;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::Report;
use crate::debian::Fetcher;
use files::{Files, unpack};

const PINS: &str = include_str!("../kernels.toml");
const ARCHITECTURE: &str = "arm64";

/// One pin of `kernels.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Pin {
    /// What people call it: `6.1`.
    pub name: String,
    /// Debian suite.
    pub suite: String,
    /// Meta package that follows the newest version.
    pub meta: String,
    /// Package that was tested.
    pub package: String,
    /// Its version.
    pub version: String,
    /// Digest of the package's file, hexadecimal SHA-256.
    pub sha256: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pins {
    kernel: Vec<Pin>,
}

/// A kernel ready to be booted.
#[derive(Debug, Clone)]
pub struct Kernel {
    /// What people call it: `6.1`.
    pub name: String,
    /// Debian's package and version.
    pub version: String,
    /// Whether it is the pinned one.
    pub pinned: bool,
    /// The image that the emulator loads.
    pub image: PathBuf,
    /// Modules in loading order: file and parameters. The files are plain: not compressed, not signed.
    pub modules: Vec<(PathBuf, String)>,
}

/// The checked-in pins.
///
/// # Errors
/// `kernels.toml` is not valid.
pub fn pins() -> Result<Vec<Pin>> {
    let pins: Pins = toml::from_str(PINS).context("images/kernels.toml")?;
    Ok(pins.kernel)
}

/// The pin of that name.
///
/// # Errors
/// No such kernel; the message lists those there are.
pub fn pin(name: &str) -> Result<Pin> {
    let pins = pins()?;
    let names: Vec<_> = pins.iter().map(|pin| pin.name.clone()).collect();
    pins.into_iter()
        .find(|pin| pin.name == name)
        .with_context(|| format!("no kernel {name}; there are {}", names.join(", ")))
}

impl Kernel {
    /// Fetches, checks and unpacks the kernel, as far as that was not done before.
    ///
    /// `cache` is where unpacked kernels are kept, by convention `target/cache/kernel`.
    ///
    /// # Errors
    /// The package cannot be fetched, has another digest than the pin, or lacks a module of
    /// `modules.toml`.
    pub fn open(pin: &Pin, fetcher: &Fetcher, cache: &Path, report: Report) -> Result<Self> {
        let (package, pinned) = fetch(pin, fetcher, cache, report)?;
        let stem = package
            .file_stem()
            .context("package without a name")?
            .to_string_lossy()
            .into_owned();
        let folder = cache.join(&stem);
        if !folder.is_dir() {
            if pinned {
                check(&package, pin)?;
            }
            report(&format!("unpacking kernel {} ({stem})", pin.name));
            unpack(&package, &folder)?;
        }
        let files = Files::open(&folder, pin)?;
        let modules = files.select(&folder.join("plain"))?;
        Ok(Self {
            name: pin.name.clone(),
            version: stem,
            pinned,
            image: files.image,
            modules,
        })
    }
}

/// Pins for the newest kernels of the same suites, as text for `images/kernels.toml`.
///
/// # Errors
/// The mirror cannot be reached.
pub fn update(fetcher: &Fetcher) -> Result<String> {
    let mut pins = pins()?;
    for pin in &mut pins {
        fetcher.forget(&pin.suite, ARCHITECTURE)?;
        pin.package = fetcher.follow(&pin.suite, ARCHITECTURE, &pin.meta)?;
        let file = fetch_one(fetcher, &pin.suite, &pin.package)?;
        pin.version = version_of(&file)?;
        pin.sha256 = digest(&file)?;
    }
    // The comment on top belongs to people and stays.
    let comment: String = PINS
        .split_inclusive('\n')
        .take_while(|line| !line.starts_with('['))
        .collect();
    Ok(comment + &toml::to_string(&Pins { kernel: pins })?)
}

fn fetch(pin: &Pin, fetcher: &Fetcher, cache: &Path, report: Report) -> Result<(PathBuf, bool)> {
    let exact = format!("{}={}", pin.package, pin.version);
    // Which package was taken instead; so that a pin that is gone is looked for once, not at every run.
    let instead = cache.join(format!("instead-of-{exact}"));
    if let Some(file) = fs::read_to_string(&instead)
        .ok()
        .map(PathBuf::from)
        .filter(|file| file.is_file())
    {
        report(&format!(
            "using {} instead of the tested {exact}, which the mirror no longer has",
            file.display()
        ));
        return Ok((file, false));
    }
    match fetch_one(fetcher, &pin.suite, &exact) {
        Ok(file) => Ok((file, true)),
        Err(gone) => {
            let package = fetcher
                .follow(&pin.suite, ARCHITECTURE, &pin.meta)
                .map_err(|_| gone)?;
            report(&format!(
                "the mirror no longer has {exact}: taking {package}, signed by Debian but not the version that was tested"
            ));
            let file = fetch_one(fetcher, &pin.suite, &package)?;
            fs::create_dir_all(cache).with_context(|| format!("create {}", cache.display()))?;
            fs::write(&instead, file.as_os_str().as_encoded_bytes())
                .with_context(|| format!("write {}", instead.display()))?;
            Ok((file, false))
        }
    }
}

fn check(package: &Path, pin: &Pin) -> Result<()> {
    let found = digest(package)?;
    ensure!(
        found == pin.sha256,
        "{} has SHA-256 {found}, images/kernels.toml pins {}: remove the file and try again",
        package.display(),
        pin.sha256
    );
    Ok(())
}

fn fetch_one(fetcher: &Fetcher, suite: &str, package: &str) -> Result<PathBuf> {
    let files = fetcher.fetch(suite, ARCHITECTURE, &[package])?;
    files
        .into_iter()
        .next()
        .with_context(|| format!("apt gave no file for {package}"))
}

fn version_of(package: &Path) -> Result<String> {
    let name = package
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let version = name
        .split('_')
        .nth(1)
        .with_context(|| format!("{name} has no version"))?;
    Ok(version.replace("%3a", ":"))
}

fn digest(file: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    let mut from = fs::File::open(file).with_context(|| format!("open {}", file.display()))?;
    std::io::copy(&mut from, &mut hash).with_context(|| format!("read {}", file.display()))?;
    Ok(hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::{pin, pins, version_of};
    use std::path::Path;

    #[test]
    fn both_kernels_are_pinned_whole() -> anyhow::Result<()> {
        for pin in pins()? {
            assert!(
                pin.version.starts_with(&pin.name),
                "{} {}",
                pin.name,
                pin.version
            );
            assert_eq!(pin.sha256.len(), 64, "{}", pin.name);
        }
        assert!(pin("6.1").is_ok() && pin("6.12").is_ok());
        assert!(pin("5.4").is_err_and(|error| error.to_string().contains("6.1, 6.12")));
        Ok(())
    }

    #[test]
    fn versions_come_from_file_names() -> anyhow::Result<()> {
        assert_eq!(version_of(Path::new("a/x_1%3a2.0-1_arm64.deb"))?, "1:2.0-1");
        Ok(())
    }
}
