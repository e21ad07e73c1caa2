//! A pinned kernel: its image, and the modules of the box in loading order
//!
//! `kernels.toml` pins name, version and digest of Debian's package. When the mirror no longer has
//! that version, the newest of the suite is taken: apt has checked its signature, [`Kernel::pinned`]
//! is false and the report says so. [`update`] brings the pins up to date.
//!
//! The package is unpacked once below the cache; modules are made plain there (decompressed, without
//! signature), so that the box's boot does neither.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::debian::{self, Fetcher};
use crate::module::{self, Catalogue};
use crate::{Report, tool};

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
        Ok(file) => {
            let found = digest(&file)?;
            ensure!(
                found == pin.sha256,
                "{} has SHA-256 {found}, images/kernels.toml pins {}: remove the file and try again",
                file.display(),
                pin.sha256
            );
            Ok((file, true))
        }
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

/// Unpacks beside the target and renames, so that a folder that exists is a whole one.
fn unpack(package: &Path, folder: &Path) -> Result<()> {
    let parent = folder.parent().context("cache folder without a parent")?;
    fs::create_dir_all(parent)?;
    let temporary = tempfile::Builder::new()
        .prefix("unpacking")
        .tempdir_in(parent)?;
    let whole = temporary.path().join("whole");
    debian::unpack(package, &whole)?;
    match fs::rename(&whole, folder) {
        // Another run was quicker; its result is the same.
        Err(_) if folder.is_dir() => Ok(()),
        other => other.with_context(|| format!("rename to {}", folder.display())),
    }
}

/// The files of an unpacked kernel package.
struct Files {
    image: PathBuf,
    modules: BTreeMap<String, PathBuf>,
    built_in: BTreeSet<String>,
}

impl Files {
    fn open(folder: &Path, pin: &Pin) -> Result<Self> {
        let image = only(&folder.join("boot"), "vmlinuz-")?;
        // Debian moved the modules below /usr between the two kernels.
        let parent = ["usr/lib/modules", "lib/modules"].map(|below| folder.join(below));
        let parent = parent
            .iter()
            .find(|path| path.is_dir())
            .with_context(|| format!("{} has no modules", pin.package))?;
        let release = only(parent, "")?;
        let read = |name: &str| {
            let path = release.join(name);
            fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))
        };
        // modules.order lists every module's file without the suffix of its compression.
        let modules = read("modules.order")?
            .lines()
            .filter_map(|line| Some((name_of(line)?, release.join(line))))
            .collect();
        let built_in = read("modules.builtin")?
            .lines()
            .filter_map(name_of)
            .collect();
        Ok(Self {
            image,
            modules,
            built_in,
        })
    }

    /// The box's modules, plain in `target`, in loading order.
    fn select(&self, target: &Path) -> Result<Vec<(PathBuf, String)>> {
        fs::create_dir_all(target).with_context(|| format!("create {}", target.display()))?;
        let wanted = module::table().context("images/modules.toml")?;
        let plain = Plain {
            files: self,
            target,
        };
        let order = module::order(&wanted, &plain)?;
        order
            .into_iter()
            .map(|(name, parameters)| Ok((plain.file(&name)?, parameters)))
            .collect()
    }
}

/// The same with every file asked for made plain in `target`.
struct Plain<'a> {
    files: &'a Files,
    target: &'a Path,
}

impl Plain<'_> {
    fn file(&self, name: &str) -> Result<PathBuf> {
        let plain = self.target.join(format!("{name}.ko"));
        if plain.is_file() {
            return Ok(plain);
        }
        let listed = self
            .files
            .modules
            .get(name)
            .with_context(|| format!("no module {name}"))?;
        let packed = PathBuf::from(format!("{}.xz", listed.display()));
        let content = if listed.is_file() {
            fs::read(listed).with_context(|| format!("read {}", listed.display()))?
        } else if packed.is_file() {
            tool::output(
                tool::command("xz")
                    .args(["--decompress", "--stdout"])
                    .arg(&packed),
            )?
        } else {
            bail!(
                "{} is neither there nor there as .xz: a compression that the builder does not know",
                listed.display()
            );
        };
        let partial = tempfile::NamedTempFile::new_in(self.target)?;
        fs::write(partial.path(), module::without_signature(&content))?;
        partial
            .persist(&plain)
            .with_context(|| format!("write {}", plain.display()))?;
        Ok(plain)
    }
}

impl Catalogue for Plain<'_> {
    fn is_built_in(&self, name: &str) -> bool {
        self.files.built_in.contains(name)
    }

    fn dependencies(&self, name: &str) -> Option<Vec<String>> {
        let file = self.file(name).ok()?;
        Some(module::dependencies_of(&fs::read(file).ok()?))
    }
}

fn name_of(path: &str) -> Option<String> {
    let name = path.rsplit('/').next()?.strip_suffix(".ko")?;
    Some(module::normal_name(name))
}

/// The only entry of a folder that begins with `prefix`.
fn only(folder: &Path, prefix: &str) -> Result<PathBuf> {
    let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    let mut found: Vec<_> = entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path())
        .collect();
    match (found.pop(), found.pop()) {
        (Some(path), None) => Ok(path),
        _ => bail!(
            "{} must hold exactly one entry that begins with {prefix:?}",
            folder.display()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::{name_of, pin, pins, version_of};
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
    fn names_and_versions_come_from_paths() -> anyhow::Result<()> {
        assert_eq!(
            name_of("kernel/drivers/char/hw_random/virtio-rng.ko").as_deref(),
            Some("virtio_rng")
        );
        assert_eq!(version_of(Path::new("a/x_1%3a2.0-1_arm64.deb"))?, "1:2.0-1");
        Ok(())
    }
}
