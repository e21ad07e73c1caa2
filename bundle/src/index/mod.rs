//! The index: the tree of one architecture, entry by entry.
//!
//! The manifest binds the index by digest and size, the index binds every path, mode and chunk. Its
//! binary form (`docs/reference/bundle.md`) has no optional parts and no second way to say a thing, so a
//! tree has exactly one index. Holding an [`Index`] proves:
//!
//! - entries are sorted, different, and each lies in a directory that is an entry too;
//! - each regular file is made of exactly the chunks that its size needs;
//! - each chunk is used, and the table has them in the order of their first use;
//! - no link leads out or in a circle.
//!
//! That it is the tree which a manifest describes is what [`Index::suits`] adds.

mod check;
mod decode;
#[cfg(feature = "tools")]
mod encode;
mod suits;

#[cfg(all(test, feature = "tools"))]
mod tests;

pub use suits::SuitError;

use crate::chunk::Chunk;
use crate::limits;
use crate::link::LinkError;
use crate::path::{EntryPath, PathError};

/// What an index begins with.
pub const MAGIC: [u8; 4] = *b"LMNX";

/// A checked index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    chunks: Vec<Chunk>,
    entries: Vec<Entry>,
}

/// One entry of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where.
    pub path: EntryPath,
    /// What.
    pub kind: Kind,
}

/// What an entry is. Owner is always the superuser; there is no other mode than these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A directory, mode 0755.
    Directory,
    /// A regular file.
    Regular {
        /// Mode 0755 instead of 0644.
        executable: bool,
        /// Size in bytes.
        size: u64,
        /// Its content: numbers in the index's table of chunks.
        chunks: Vec<u32>,
    },
    /// A symbolic link.
    Symlink {
        /// Where it points.
        target: String,
    },
}

/// Why bytes are not an index.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// Other magic.
    #[error("index does not begin as one; pack the bundle again")]
    Magic,
    /// Ends inside of something, or goes on behind its end.
    #[error("index has another length than its content; pack the bundle again")]
    Length,
    /// More than a limit allows.
    #[error("index has more than {limit} {what}; make the bundle smaller")]
    Many {
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: u32,
    },
    /// A chunk that cannot be one.
    #[error(
        "index: chunk {0} has an impossible size, or is listed twice, unused, or not in the order of use"
    )]
    Chunk(usize),
    /// An entry of an unknown kind or mode.
    #[error(
        "index: \"{path}\" has kind {kind} and mode {mode:o}; allowed are files of 644 or 755, directories of 755 and links"
    )]
    Kind {
        /// Where.
        path: String,
        /// The kind's number.
        kind: u8,
        /// The mode.
        mode: u16,
    },
    /// Not sorted, or twice.
    #[error("index: \"{0}\" is listed twice or out of order")]
    Order(String),
    /// Lies in nothing.
    #[error("index: \"{0}\" lies in something that is not a directory of the bundle")]
    Parent(String),
    /// A file's chunks do not make its size.
    #[error("index: chunks of \"{0}\" do not make up its size")]
    Pieces(String),
    /// A path.
    #[error("index: {0}")]
    Path(#[from] PathError),
    /// A link.
    #[error("index: {0}")]
    Link(#[from] LinkError),
}

impl Index {
    /// Reads and checks an index.
    ///
    /// # Errors
    /// See [`IndexError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, IndexError> {
        Self::new(decode::decode(bytes)?)
    }

    /// Checks parts that were put together.
    ///
    /// # Errors
    /// See [`IndexError`].
    pub(crate) fn new((chunks, entries): (Vec<Chunk>, Vec<Entry>)) -> Result<Self, IndexError> {
        let index = Self { chunks, entries };
        check::check(&index)?;
        Ok(index)
    }

    /// The binary form.
    #[cfg(feature = "tools")]
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encode::encode(self)
    }

    /// The table of chunks, each once, in the order of first use.
    #[must_use]
    pub fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// The entries, sorted by path: a directory stands before what it holds.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry at `path`.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Entry> {
        let found = self
            .entries
            .binary_search_by(|entry| entry.path.as_str().cmp(path));
        found.ok().and_then(|position| self.entries.get(position))
    }

    /// Bytes of all regular files together.
    #[must_use]
    pub fn unpacked(&self) -> u64 {
        self.entries
            .iter()
            .map(Entry::size)
            .fold(0, u64::saturating_add)
    }

    fn target_of(&self, path: &str) -> Option<&str> {
        match &self.get(path)?.kind {
            Kind::Symlink { target } => Some(target),
            Kind::Directory | Kind::Regular { .. } => None,
        }
    }
}

impl Entry {
    /// Size of a regular file in bytes; 0 for anything else.
    #[must_use]
    pub fn size(&self) -> u64 {
        match self.kind {
            Kind::Regular { size, .. } => size,
            Kind::Directory | Kind::Symlink { .. } => 0,
        }
    }
}

/// How many chunks a file of `size` bytes has.
pub(crate) fn pieces(size: u64) -> u64 {
    size.div_ceil(u64::from(limits::CHUNK_BYTES))
}

/// Kinds in the binary form.
mod kind {
    pub(super) const DIRECTORY: u8 = 1;
    pub(super) const REGULAR: u8 = 2;
    pub(super) const SYMLINK: u8 = 3;
}

/// Modes in the binary form.
mod mode {
    pub(super) const DIRECTORY: u16 = 0o755;
    pub(super) const EXECUTABLE: u16 = 0o755;
    pub(super) const PLAIN: u16 = 0o644;
    pub(super) const SYMLINK: u16 = 0o777;
}
