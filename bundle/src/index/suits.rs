//! Whether a tree is the one that a manifest describes and can run as it says.

use super::{Index, Kind};
use crate::limits;
use crate::link::Walker;
use crate::manifest::{Manifest, Tree, Volume};
use crate::path::{self, MOUNTPOINTS};

/// Why a tree does not suit its manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SuitError {
    /// Declared and real amounts differ.
    #[error("tree has {real} {what}, its manifest declares {declared}; pack the bundle again")]
    Declared {
        /// Of what.
        what: &'static str,
        /// In the tree.
        real: u64,
        /// In the manifest.
        declared: u64,
    },
    /// Beyond the absolute limit.
    #[error("tree unpacks to {0} bytes, no bundle may unpack to more than 4 GiB")]
    Size(u64),
    /// A place where something is mounted.
    #[error(
        "tree has no directory \"{0}\", where the gateway mounts something; pack the bundle again"
    )]
    Mountpoint(String),
    /// Where the program starts.
    #[error(
        "tree has no directory {0}, which the manifest's run.directory names; add it or correct the path"
    )]
    Directory(String),
    /// The program.
    #[error(
        "tree has no executable file at {0}, which the manifest's run.command names; add it or correct the path"
    )]
    Program(String),
}

impl Index {
    /// Proves that this is the tree that `tree` declares and `manifest` needs.
    ///
    /// # Errors
    /// See [`SuitError`].
    pub fn suits(&self, manifest: &Manifest, tree: &Tree) -> Result<(), SuitError> {
        declared(
            "entries",
            self.entries.len() as u64,
            u64::from(tree.entries),
        )?;
        declared("bytes", self.unpacked(), tree.unpacked_size)?;
        self.carries(manifest)
    }

    /// The part of [`Index::suits`] that holds before a tree's amounts are declared.
    pub(crate) fn carries(&self, manifest: &Manifest) -> Result<(), SuitError> {
        if self.unpacked() > limits::UNPACKED_BYTES {
            return Err(SuitError::Size(self.unpacked()));
        }
        let volumes = manifest
            .volumes
            .iter()
            .filter_map(|volume| path::of_volume(&volume.path).ok());
        for place in MOUNTPOINTS
            .into_iter()
            .map(str::to_owned)
            .chain(volumes.map(|path| path.to_string()))
        {
            if !self
                .get(&place)
                .is_some_and(|entry| matches!(entry.kind, Kind::Directory))
            {
                return Err(SuitError::Mountpoint(place));
            }
        }
        self.holds(&manifest.run.directory, manifest)?;
        self.runs(manifest.run.command.first().map_or("", String::as_str))
    }

    /// Whether a program can start in `directory`; what a volume holds is not known here.
    fn holds(&self, directory: &str, manifest: &Manifest) -> Result<(), SuitError> {
        let in_volume = |volume: &Volume| {
            let below = directory.strip_prefix(&volume.path);
            below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if manifest.volumes.iter().any(in_volume) {
            return Ok(());
        }
        let end = Walker::new(|path: &str| self.target_of(path)).resolve(directory);
        let there = end.is_ok_and(|end| {
            end.is_empty()
                || matches!(
                    self.get(&end).map(|entry| &entry.kind),
                    Some(Kind::Directory)
                )
        });
        match there {
            true => Ok(()),
            false => Err(SuitError::Directory(crate::quote::quoted(directory))),
        }
    }

    fn runs(&self, program: &str) -> Result<(), SuitError> {
        let end = Walker::new(|path: &str| self.target_of(path)).resolve(program);
        let entry = end.ok().and_then(|end| self.get(&end));
        match entry.map(|entry| &entry.kind) {
            Some(Kind::Regular {
                executable: true, ..
            }) => Ok(()),
            _ => Err(SuitError::Program(crate::quote::quoted(program))),
        }
    }
}

fn declared(what: &'static str, real: u64, declared: u64) -> Result<(), SuitError> {
    if real == declared {
        return Ok(());
    }
    Err(SuitError::Declared {
        what,
        real,
        declared,
    })
}
