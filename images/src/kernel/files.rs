//! What an unpacked kernel package holds, and its modules made plain
//!
//! Debian's two kernels differ in where modules lie and whether they are compressed; nothing above
//! this file sees that.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::Pin;
use crate::module::{self, Catalogue};
use crate::{debian, tool};

/// Unpacks beside the target and renames, so that a folder that exists is a whole one.
pub(super) fn unpack(package: &Path, folder: &Path) -> Result<()> {
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
pub(super) struct Files {
    pub(super) image: PathBuf,
    modules: BTreeMap<String, PathBuf>,
    built_in: BTreeSet<String>,
}

impl Files {
    pub(super) fn open(folder: &Path, pin: &Pin) -> Result<Self> {
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
    pub(super) fn select(&self, target: &Path) -> Result<Vec<(PathBuf, String)>> {
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
    use super::name_of;

    #[test]
    fn a_modules_name_comes_from_its_path() {
        let name = name_of("kernel/drivers/char/hw_random/virtio-rng.ko");
        assert_eq!(name.as_deref(), Some("virtio_rng"));
        assert_eq!(name_of("kernel/README"), None);
    }
}
