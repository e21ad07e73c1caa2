//! Names inside a bundle: what an entry may be called, and where the gateway mounts things.
//!
//! A path is relative to the bundle's root, in the one spelling that `/` joining plain components gives.
//! Holding an [`EntryPath`] proves that it cannot lead out of the directory that it is resolved in, as
//! long as no component is a symbolic link; the box makes sure of that with `RESOLVE_NO_SYMLINKS`.
//!
//! Names that differ in case only are allowed: Debian's terminfo has both `E` and `e`, and no file system
//! that ever holds a bundle folds case.

use std::fmt;

use crate::limits;
use crate::quote::{quoted, quoted_bytes};

/// A checked path of an entry, without a leading slash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryPath(String);

/// Why a path was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nothing, `//`, or a slash at either end.
    #[error(
        "path \"{0}\" has an empty component; write it relative to the root, with single slashes"
    )]
    Empty(String),
    /// `.` or `..`.
    #[error("path \"{0}\" has a component . or ..; write it in its plain form")]
    Dots(String),
    /// A byte that has no place in a name.
    #[error("path \"{0}\" has a control character; rename it")]
    Control(String),
    /// Not UTF-8.
    #[error("path \"{0}\" is not UTF-8; rename it")]
    NotText(String),
    /// Beyond a limit.
    #[error("path \"{0}\" is too long; at most 1024 bytes, 255 a component, 64 components deep")]
    Long(String),
    /// Beneath a directory that the gateway mounts over, or something else in the place of one.
    #[error(
        "path \"{0}\" is taken by the gateway; dev, proc and sys may only be empty directories, run and tmp only directories"
    )]
    Reserved(String),
    /// A volume's path.
    #[error(
        "path \"{0}\" cannot hold a volume; use an absolute path outside of /dev, /proc, /run, /sys and /tmp, for example \"/var/lib/thing\""
    )]
    Volume(String),
}

/// Directories that the gateway mounts over in every bundle: each must be there, and be a directory.
pub const MOUNTPOINTS: [&str; 4] = ["dev", "proc", "run", "tmp"];

/// Names below which a bundle holds nothing of its own.
const KERNELS: [&str; 3] = ["dev", "proc", "sys"];

/// Top-level names that can only be directories.
const RESERVED: [&str; 5] = ["dev", "proc", "run", "sys", "tmp"];

impl EntryPath {
    /// Checks a path.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn new(bytes: &[u8]) -> Result<Self, PathError> {
        let text =
            std::str::from_utf8(bytes).map_err(|_| PathError::NotText(quoted_bytes(bytes)))?;
        let refused = |error: fn(String) -> PathError| Err(error(quoted(text)));
        if text.len() > limits::PATH_BYTES {
            return refused(PathError::Long);
        }
        if text.chars().any(char::is_control) {
            return refused(PathError::Control);
        }
        let mut depth = 0;
        for component in text.split('/') {
            depth += 1;
            match component {
                "" => return refused(PathError::Empty),
                "." | ".." => return refused(PathError::Dots),
                long if long.len() > limits::COMPONENT_BYTES => return refused(PathError::Long),
                _ if depth > limits::PATH_DEPTH => return refused(PathError::Long),
                _ => {}
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The directory that holds it; none for what lies in the root.
    #[must_use]
    pub fn parent(&self) -> Option<&str> {
        self.0.rsplit_once('/').map(|(parent, _)| parent)
    }

    /// Whether an entry of this path may exist, being a directory or not.
    ///
    /// # Errors
    /// [`PathError::Reserved`] where the gateway mounts something of its own.
    pub fn allow(&self, directory: bool) -> Result<(), PathError> {
        let allowed = match self.0.split_once('/') {
            Some((top, _)) => !KERNELS.contains(&top),
            None => directory || !RESERVED.contains(&self.as_str()),
        };
        if allowed {
            Ok(())
        } else {
            Err(PathError::Reserved(quoted(&self.0)))
        }
    }
}

impl fmt::Display for EntryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The place of a volume, absolute inside the bundle, as an entry of the tree.
///
/// # Errors
/// [`PathError::Volume`] where the gateway mounts something of its own, or for another spelling.
pub fn of_volume(path: &str) -> Result<EntryPath, PathError> {
    path.strip_prefix('/')
        .and_then(|inside| EntryPath::new(inside.as_bytes()).ok())
        .filter(|inside| {
            !RESERVED
                .iter()
                .any(|top| inside.as_str().split('/').next() == Some(top))
        })
        .ok_or_else(|| PathError::Volume(quoted(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_paths_pass() {
        for good in [
            "a",
            "usr/lib/x.so.6",
            "E",
            "e",
            "with space",
            "ü",
            "a\\b",
            "..a",
            "a..b",
        ] {
            assert!(EntryPath::new(good.as_bytes()).is_ok(), "{good}");
        }
    }

    #[test]
    fn hostile_paths_are_refused_by_their_rule() {
        let long = "x".repeat(256);
        let deep = ["d"; 65].join("/");
        let far = ["abcdefg"; 600].join("/");
        for (bad, expected) in [
            ("", "empty component"),
            ("/etc/passwd", "empty component"),
            ("a//b", "empty component"),
            ("a/", "empty component"),
            (".", ". or .."),
            ("..", ". or .."),
            ("a/../b", ". or .."),
            ("a/./b", ". or .."),
            ("a\0b", "control"),
            ("a\nb", "control"),
            (long.as_str(), "too long"),
            (deep.as_str(), "too long"),
            (far.as_str(), "too long"),
        ] {
            let error = EntryPath::new(bad.as_bytes()).expect_err(bad).to_string();
            assert!(error.contains(expected), "{bad:?}: {error}");
        }
        assert!(matches!(
            EntryPath::new(b"a\xff"),
            Err(PathError::NotText(_))
        ));
    }

    #[test]
    fn what_the_gateway_mounts_stays_a_plain_directory() {
        let allow = |path: &str, directory| {
            EntryPath::new(path.as_bytes())
                .expect("a path")
                .allow(directory)
        };
        for name in RESERVED {
            assert!(
                allow(name, true).is_ok() && allow(name, false).is_err(),
                "{name}"
            );
        }
        assert!(allow("dev/null", false).is_err() && allow("proc/self", true).is_err());
        assert!(allow("run/lock", true).is_ok() && allow("devices", false).is_ok());
    }

    #[test]
    fn volumes_lie_where_nothing_else_is_mounted() {
        assert_eq!(
            of_volume("/var/lib/x").expect("a place").as_str(),
            "var/lib/x"
        );
        for bad in [
            "var/lib",
            "/",
            "/tmp",
            "/tmp/x",
            "/dev/x",
            "/var/../etc",
            "/var/",
        ] {
            assert!(of_volume(bad).is_err(), "{bad}");
        }
    }
}
