//! Packing: a manifest and a directory per architecture become one unsigned bundle.
//!
//! The same input gives the same bytes with the same version of the tool: entries are sorted, no time, owner
//! or inode is taken over, modes are the format's two. What the format cannot carry is refused with the
//! path and a remedy, never left out in silence; only what the gateway mounts over is added.

mod scan;
mod spool;
mod write;

use std::io;
use std::path::{Path, PathBuf};

pub use spool::seal;
pub use write::{Packed, PackedTree, pack};

use crate::index::{IndexError, SuitError};
use crate::manifest::{Architecture, ManifestError};

/// Why nothing was packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// No tree was given, or two for one architecture.
    #[error("give one directory for each architecture, and at least one")]
    Trees,
    /// Something that a bundle cannot hold.
    #[error("{path}: {problem}")]
    Unfit {
        /// What.
        path: PathBuf,
        /// Why, and the remedy.
        problem: &'static str,
    },
    /// The tree breaks a rule of the format.
    #[error("{0}: {1}")]
    Index(Architecture, #[source] IndexError),
    /// The tree does not suit the manifest.
    #[error("{0}: {1}")]
    Suit(Architecture, #[source] SuitError),
    /// The manifest with its architectures is longer than the format allows.
    #[error("manifest is longer than 64 KiB with what packing adds; shorten it")]
    Long,
    /// Reading the directory.
    #[error("{path}: cannot be read")]
    Read {
        /// What.
        path: PathBuf,
        /// The reason.
        #[source]
        source: io::Error,
    },
    /// Writing the bundle.
    #[error("bundle cannot be written")]
    Write(#[source] io::Error),
}

impl PackError {
    fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Read { path, source }
    }

    fn unfit(path: &Path, problem: &'static str) -> Self {
        Self::Unfit {
            path: path.to_owned(),
            problem,
        }
    }
}
