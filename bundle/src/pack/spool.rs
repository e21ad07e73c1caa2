//! Chunks on their way into a bundle: compressed, counted, each kept once.
//!
//! Indexes stand before chunks in the file but can be written only after the last chunk was compressed, so
//! the stored bytes wait in a nameless temporary file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Seek, Write};

use crate::chunk::Chunk;
use crate::digest::{self, Digest};

/// Compression level. Above 12 a chunk of 64 KiB gains under one percent and takes twice the time.
const LEVEL: i32 = 12;

/// Compresses the content of one chunk into the frame that format 1 demands.
///
/// # Errors
/// The compressor fails; only for want of memory.
pub fn seal(content: &[u8]) -> io::Result<Vec<u8>> {
    zstd::bulk::compress(content, LEVEL)
}

/// The stored bytes of all trees, in file order.
pub(super) struct Spool {
    file: File,
    known: BTreeMap<Digest, Chunk>,
    stored: BTreeSet<Digest>,
}

/// The chunks of one tree, in the order of first use.
#[derive(Default)]
pub(super) struct Table {
    pub(super) chunks: Vec<Chunk>,
    numbers: BTreeMap<Digest, u32>,
}

impl Spool {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            file: tempfile::tempfile()?,
            known: BTreeMap::new(),
            stored: BTreeSet::new(),
        })
    }

    /// Stores `content` unless it is stored already; its number in `table`.
    pub(super) fn add(&mut self, content: &[u8], table: &mut Table) -> io::Result<u32> {
        let plain = digest::of(content);
        let chunk = match self.known.get(&plain) {
            Some(chunk) => *chunk,
            None => self.store(plain, content)?,
        };
        let next = u32::try_from(table.chunks.len()).map_err(io::Error::other)?;
        let number = *table.numbers.entry(chunk.digest).or_insert(next);
        if number == next {
            table.chunks.push(chunk);
        }
        Ok(number)
    }

    fn store(&mut self, plain: Digest, content: &[u8]) -> io::Result<Chunk> {
        let stored = seal(content)?;
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(io::Error::other);
        let chunk = Chunk {
            digest: digest::of(&stored),
            stored: length(&stored)?,
            size: length(content)?,
        };
        if self.stored.insert(chunk.digest) {
            self.file.write_all(&stored)?;
        }
        self.known.insert(plain, chunk);
        Ok(chunk)
    }

    /// Copies everything to `output`; the number of bytes.
    pub(super) fn drain(mut self, output: &mut impl Write) -> io::Result<u64> {
        self.file.rewind()?;
        io::copy(&mut self.file, output)
    }
}
