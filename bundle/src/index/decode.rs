//! From bytes to an index's parts; [`super::check`] then judges them.
//!
//! Every count is compared with its limit and with the bytes that are left before anything of that size
//! is allocated.

use super::{Entry, IndexError, Kind, MAGIC, kind, mode, pieces};
use crate::chunk::Chunk;
use crate::digest::Digest;
use crate::limits;
use crate::link;
use crate::path::EntryPath;
use crate::quote::quoted_bytes;

/// Bytes of one line of the chunk table.
const CHUNK_LINE: usize = 40;

/// Least bytes of an entry: kind, mode, length of its path, one byte of path.
const ENTRY_LEAST: usize = 6;

/// What is left to read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], IndexError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(IndexError::Length)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], IndexError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(IndexError::Length)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u16(&mut self) -> Result<u16, IndexError> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, IndexError> {
        self.array().map(u32::from_le_bytes)
    }

    /// A count of things that take at least `least` bytes each.
    fn count(&mut self, what: &'static str, limit: u32) -> Result<usize, IndexError> {
        let count = self.u32()?;
        if count > limit {
            return Err(IndexError::Many { what, limit });
        }
        Ok(count as usize)
    }

    fn has(&self, count: usize, each: usize) -> Result<(), IndexError> {
        if count
            .checked_mul(each)
            .is_some_and(|bytes| bytes <= self.0.len())
        {
            Ok(())
        } else {
            Err(IndexError::Length)
        }
    }
}

pub(super) fn decode(bytes: &[u8]) -> Result<(Vec<Chunk>, Vec<Entry>), IndexError> {
    let mut rest = Rest(bytes);
    if rest.array()? != MAGIC {
        return Err(IndexError::Magic);
    }
    let chunk_count = rest.count("chunks", limits::CHUNKS)?;
    let entry_count = rest.count("entries", limits::ENTRIES)?;
    rest.has(chunk_count, CHUNK_LINE)?;
    let chunks = (0..chunk_count)
        .map(|_| chunk(&mut rest))
        .collect::<Result<_, _>>()?;
    rest.has(entry_count, ENTRY_LEAST)?;
    let entries = (0..entry_count)
        .map(|_| entry(&mut rest))
        .collect::<Result<_, _>>()?;
    if rest.0.is_empty() {
        Ok((chunks, entries))
    } else {
        Err(IndexError::Length)
    }
}

fn chunk(rest: &mut Rest<'_>) -> Result<Chunk, IndexError> {
    Ok(Chunk {
        digest: Digest(rest.array()?),
        stored: rest.u32()?,
        size: rest.u32()?,
    })
}

fn entry(rest: &mut Rest<'_>) -> Result<Entry, IndexError> {
    let [kind] = rest.array()?;
    let mode = rest.u16()?;
    let length = usize::from(rest.u16()?);
    let name = rest.take(length)?;
    let path = EntryPath::new(name)?;
    let kind = match (kind, mode) {
        (kind::DIRECTORY, mode::DIRECTORY) => Kind::Directory,
        (kind::REGULAR, mode::EXECUTABLE | mode::PLAIN) => regular(rest, mode == mode::EXECUTABLE)?,
        (kind::SYMLINK, mode::SYMLINK) => {
            let length = usize::from(rest.u16()?);
            let target = link::target(path.as_str(), rest.take(length)?)?.to_owned();
            Kind::Symlink { target }
        }
        (kind, mode) => {
            return Err(IndexError::Kind {
                path: quoted_bytes(name),
                kind,
                mode,
            });
        }
    };
    Ok(Entry { path, kind })
}

fn regular(rest: &mut Rest<'_>, executable: bool) -> Result<Kind, IndexError> {
    let size = rest.array().map(u64::from_le_bytes)?;
    let count = usize::try_from(pieces(size)).map_err(|_| IndexError::Length)?;
    rest.has(count, 4)?;
    let chunks = (0..count).map(|_| rest.u32()).collect::<Result<_, _>>()?;
    Ok(Kind::Regular {
        executable,
        size,
        chunks,
    })
}
