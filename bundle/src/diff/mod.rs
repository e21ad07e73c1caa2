//! What changes between two bundles: what they ask for, which files they hold, what an update transfers
//!
//! For the developer before signing and for whoever reviews it. [`Authority`] is what a bundle may do or take; a change of it is
//! more, less, or other, so that a new version that wants more cannot hide among ten that do not.

mod authority;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use serde::Serialize;

pub use authority::{Change, Direction};

use crate::digest::Digest;
use crate::index::{Entry, Index, Kind};
use crate::manifest::{Architecture, Manifest};
use crate::reader::{BundleError, Sealed};

/// One of the two, read to its end.
#[derive(Debug)]
pub struct Side {
    manifest: Manifest,
    digest: Digest,
    indexes: BTreeMap<Architecture, Index>,
}

/// What changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Difference {
    /// Versions, old and new.
    pub versions: [String; 2],
    /// Whether the gateway would refuse the new one as older: its counter is below the old one's.
    pub rollback: bool,
    /// Manifest keys whose values differ, in their order.
    pub authority: Vec<Change>,
    /// What differs in each tree that both have, or one of them.
    pub trees: Vec<TreeDifference>,
}

/// What changes in the tree of an architecture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct TreeDifference {
    /// Which.
    pub architecture: String,
    /// Paths that only the new one has.
    pub added: Vec<String>,
    /// Paths that only the old one has.
    pub removed: Vec<String>,
    /// Paths that are something else, or hold something else.
    pub changed: Vec<String>,
    /// Stored bytes of the new one's chunks.
    pub stored_bytes: u64,
    /// Those of them that the old one does not have.
    pub new_bytes: u64,
}

impl Side {
    /// Reads a bundle to its end, every byte checked but for whose signature it is.
    ///
    /// # Errors
    /// The first thing that the box would refuse too.
    pub fn read(input: impl Read) -> Result<Self, BundleError> {
        let opened = Sealed::read(input)?.open_untrusted()?;
        let digest = opened.digest();
        let (manifest, mut body) = opened.body(|_| true)?;
        while body.next_chunk()?.is_some() {}
        let mut index =
            |architecture: &Architecture| Some((*architecture, body.take_index(*architecture)?.0));
        let indexes = manifest
            .architectures
            .keys()
            .filter_map(&mut index)
            .collect();
        Ok(Self {
            manifest,
            digest,
            indexes,
        })
    }

    /// What is different in `new`.
    #[must_use]
    pub fn compare(&self, new: &Self) -> Difference {
        let both: BTreeSet<Architecture> = self
            .indexes
            .keys()
            .chain(new.indexes.keys())
            .copied()
            .collect();
        Difference {
            versions: [
                self.manifest.version.to_string(),
                new.manifest.version.to_string(),
            ],
            rollback: new.manifest.counter < self.manifest.counter,
            authority: authority::compare(&self.manifest, &new.manifest),
            trees: both
                .into_iter()
                .filter_map(|architecture| self.tree(new, architecture))
                .collect(),
        }
    }

    /// Whether both are the same bundle; how they are signed does not matter.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.digest == other.digest
    }

    fn tree(&self, new: &Self, architecture: Architecture) -> Option<TreeDifference> {
        let index = |side: &Self| {
            side.indexes
                .get(&architecture)
                .map(Tree::of)
                .unwrap_or_default()
        };
        let (old, new) = (index(self), index(new));
        let names = |of: &Tree, not_in: &Tree| -> Vec<String> {
            let only = of
                .entries
                .keys()
                .filter(|path| !not_in.entries.contains_key(*path));
            only.cloned().collect()
        };
        let differs = |path: &&String| {
            old.entries
                .get(*path)
                .is_some_and(|what| new.entries[*path] != *what)
        };
        let fresh = new
            .chunks
            .iter()
            .filter(|(digest, _)| !old.chunks.contains_key(*digest));
        let difference = TreeDifference {
            architecture: architecture.to_string(),
            added: names(&new, &old),
            removed: names(&old, &new),
            changed: new.entries.keys().filter(differs).cloned().collect(),
            stored_bytes: new.chunks.values().sum(),
            new_bytes: fresh.map(|(_, bytes)| bytes).sum(),
        };
        (old != new).then_some(difference)
    }
}

/// A tree by what it holds, whatever the order of its chunks.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tree {
    entries: BTreeMap<String, What>,
    chunks: BTreeMap<Digest, u64>,
}

/// What is at a path.
#[derive(Debug, PartialEq, Eq)]
enum What {
    Directory,
    Regular(bool, Vec<Digest>),
    Symlink(String),
}

impl Tree {
    fn of(index: &Index) -> Self {
        let digests: Vec<Digest> = index.chunks().iter().map(|chunk| chunk.digest).collect();
        let what = |entry: &Entry| match &entry.kind {
            Kind::Directory => What::Directory,
            Kind::Symlink { target } => What::Symlink(target.clone()),
            Kind::Regular {
                executable, chunks, ..
            } => {
                let digest = |number: &u32| digests.get(*number as usize).copied();
                What::Regular(*executable, chunks.iter().filter_map(digest).collect())
            }
        };
        Self {
            entries: index
                .entries()
                .iter()
                .map(|entry| (entry.path.to_string(), what(entry)))
                .collect(),
            chunks: index
                .chunks()
                .iter()
                .map(|chunk| (chunk.digest, u64::from(chunk.stored)))
                .collect(),
        }
    }
}
