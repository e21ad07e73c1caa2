//! Folders of files: copied whole, and told apart when one of them changed.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Everything that a made file came from, by path, size and time of change.
#[derive(Debug, Default)]
pub(super) struct Inputs(String);

impl Inputs {
    /// Adds a file.
    pub(super) fn file(&mut self, path: &Path) -> Result<()> {
        let about =
            fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
        let (size, seconds, nanoseconds) = (about.len(), about.mtime(), about.mtime_nsec());
        writeln!(
            self.0,
            "{} {size} {seconds}.{nanoseconds:09}",
            path.display()
        )?;
        Ok(())
    }

    /// Adds every file of a folder, in the order of their names.
    pub(super) fn tree(&mut self, folder: &Path) -> Result<()> {
        for path in entries(folder)? {
            if path.is_dir() {
                self.tree(&path)?;
            } else {
                self.file(&path)?;
            }
        }
        Ok(())
    }

    /// Whether `file` was made from exactly these.
    pub(super) fn made(&self, file: &Path) -> bool {
        file.exists() && fs::read_to_string(note(file)).is_ok_and(|noted| noted == self.0)
    }

    /// Notes that it was.
    pub(super) fn note(&self, file: &Path) -> Result<()> {
        let note = note(file);
        fs::write(&note, &self.0).with_context(|| format!("cannot write {}", note.display()))
    }
}

fn note(file: &Path) -> PathBuf {
    file.with_extension("inputs")
}

/// Makes an empty folder, replacing what is there.
pub(super) fn fresh(folder: &Path) -> Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    Ok(folder.to_owned())
}

/// Copies a folder's content over another's. A folder that does not exist holds nothing.
pub(super) fn copy(from: &Path, to: &Path) -> Result<()> {
    if !from.exists() {
        return Ok(());
    }
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    for path in entries(from)? {
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_symlink() {
            symlink(fs::read_link(&path)?, &target)
                .with_context(|| format!("cannot create {}", target.display()))?;
        } else if path.is_dir() {
            copy(&path, &target)?;
        } else {
            fs::copy(&path, &target).with_context(|| format!("cannot copy {}", path.display()))?;
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths = read
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .with_context(|| format!("cannot read {}", folder.display()))?;
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_is_noticed_and_an_unchanged_one_is_not() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let (input, output) = (folder.path().join("in"), folder.path().join("out"));
        fs::write(&input, "one")?;
        fs::write(&output, "")?;
        let inputs = || -> Result<Inputs> {
            let mut inputs = Inputs::default();
            inputs.file(&input)?;
            Ok(inputs)
        };
        inputs()?.note(&output)?;
        assert!(inputs()?.made(&output));
        fs::write(&input, "three")?;
        assert!(!inputs()?.made(&output));
        Ok(())
    }

    #[test]
    fn a_copy_lays_itself_over_what_is_there() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("etc"))?;
        fs::create_dir_all(to.join("etc"))?;
        fs::write(from.join("etc/a"), "new")?;
        fs::write(to.join("etc/a"), "old")?;
        fs::write(to.join("etc/b"), "kept")?;
        copy(&from, &to)?;
        assert_eq!(fs::read_to_string(to.join("etc/a"))?, "new");
        assert_eq!(fs::read_to_string(to.join("etc/b"))?, "kept");
        Ok(())
    }
}
