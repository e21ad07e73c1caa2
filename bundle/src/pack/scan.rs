//! What a directory holds, as entries of an index to be.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::PackError;
use crate::limits;
use crate::path::{self, EntryPath, MOUNTPOINTS};

/// What was found at a path.
pub(super) enum Found {
    /// A directory, or a place that the gateway will mount over.
    Directory,
    /// A file, to be read from where it is.
    Regular { from: PathBuf, executable: bool },
    /// A link and its target.
    Symlink { target: Vec<u8> },
}

/// Everything below `root`, and the directories that the gateway needs, sorted by path.
pub(super) fn scan(
    root: &Path,
    volumes: &[EntryPath],
) -> Result<BTreeMap<EntryPath, Found>, PackError> {
    let mut found = BTreeMap::new();
    let mut pending = vec![root.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(&directory).map_err(PackError::read(&directory))? {
            let from = entry.map_err(PackError::read(&directory))?.path();
            let inside = from
                .strip_prefix(root)
                .unwrap_or(&from)
                .as_os_str()
                .as_bytes();
            let path = EntryPath::new(inside)
                .map_err(|_| PackError::unfit(&from, "a name that no bundle can hold; rename it (UTF-8, no control characters, at most 255 bytes, 64 levels)"))?;
            let kind = kind(&from)?;
            if matches!(kind, Found::Directory) {
                pending.push(from);
            }
            found.insert(path, kind);
            if found.len() > limits::ENTRIES as usize {
                return Err(PackError::unfit(
                    root,
                    "has more than 65536 entries; make the tree smaller",
                ));
            }
        }
    }
    for needed in MOUNTPOINTS
        .iter()
        .filter_map(|name| EntryPath::new(name.as_bytes()).ok())
        .chain(volumes.to_vec())
    {
        add_directories(&needed, &mut found);
    }
    Ok(found)
}

fn kind(from: &Path) -> Result<Found, PackError> {
    let metadata = fs::symlink_metadata(from).map_err(PackError::read(from))?;
    let kind = metadata.file_type();
    if kind.is_symlink() {
        let target = fs::read_link(from).map_err(PackError::read(from))?;
        return Ok(Found::Symlink {
            target: target.into_os_string().as_bytes().to_vec(),
        });
    }
    if kind.is_dir() {
        return Ok(Found::Directory);
    }
    if !kind.is_file() {
        let problem = if kind.is_fifo() || kind.is_socket() {
            "a pipe or socket cannot be packed; remove it, the program makes it in a volume or /tmp"
        } else {
            "a device cannot be packed; remove it and ask for a device class in the manifest"
        };
        return Err(PackError::unfit(from, problem));
    }
    if metadata.mode() & 0o7000 != 0 {
        return Err(PackError::unfit(
            from,
            "setuid, setgid and sticky are refused; take them away with chmod u-s,g-s,-t",
        ));
    }
    if metadata.len() > limits::UNPACKED_BYTES {
        return Err(PackError::unfit(
            from,
            "is larger than 4 GiB, the most that a bundle unpacks to",
        ));
    }
    if has_capabilities(from)? {
        return Err(PackError::unfit(
            from,
            "file capabilities are refused; take them away with setcap -r",
        ));
    }
    Ok(Found::Regular {
        from: from.to_owned(),
        executable: metadata.mode() & 0o111 != 0,
    })
}

fn has_capabilities(from: &Path) -> Result<bool, PackError> {
    use rustix::io::Errno;
    match rustix::fs::lgetxattr_query(from, "security.capability") {
        Ok(length) => Ok(length > 0),
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(false),
        Err(error) => Err(PackError::read(from)(error.into())),
    }
}

/// Adds `path` and what it lies in, where nothing is yet; the index check refuses what is in the way.
fn add_directories(path: &EntryPath, found: &mut BTreeMap<EntryPath, Found>) {
    let text = path.as_str();
    let ends = text
        .match_indices('/')
        .map(|(at, _)| at)
        .chain([text.len()]);
    for ancestor in ends.filter_map(|end| EntryPath::new(&text.as_bytes()[..end]).ok()) {
        found.entry(ancestor).or_insert(Found::Directory);
    }
}

/// The places of a manifest's volumes.
pub(super) fn volumes(manifest: &crate::manifest::Manifest) -> Vec<EntryPath> {
    manifest
        .volumes
        .iter()
        .filter_map(|volume| path::of_volume(&volume.path).ok())
        .collect()
}
