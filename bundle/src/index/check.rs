//! What makes decoded parts an index: order, parents, sizes, use of chunks, links.

use std::collections::BTreeSet;

use super::{Entry, Index, IndexError, Kind, pieces};
use crate::limits;
use crate::link::Walker;
use crate::quote::quoted;

pub(super) fn check(index: &Index) -> Result<(), IndexError> {
    bound("chunks", index.chunks.len(), limits::CHUNKS)?;
    bound("entries", index.entries.len(), limits::ENTRIES)?;
    chunk_table(index)?;
    order(&index.entries)?;
    for entry in &index.entries {
        parent(index, entry)?;
        entry.path.allow(matches!(entry.kind, Kind::Directory))?;
    }
    files(index)?;
    links(index)
}

fn bound(what: &'static str, count: usize, limit: u32) -> Result<(), IndexError> {
    if count > limit as usize {
        return Err(IndexError::Many { what, limit });
    }
    Ok(())
}

fn chunk_table(index: &Index) -> Result<(), IndexError> {
    let mut seen = BTreeSet::new();
    for (number, chunk) in index.chunks.iter().enumerate() {
        let possible = (1..=limits::CHUNK_BYTES).contains(&chunk.size)
            && (1..=limits::STORED_BYTES).contains(&chunk.stored);
        if !possible || !seen.insert(chunk.digest.0) {
            return Err(IndexError::Chunk(number));
        }
    }
    Ok(())
}

fn order(entries: &[Entry]) -> Result<(), IndexError> {
    match entries.windows(2).find(|pair| pair[0].path >= pair[1].path) {
        Some(pair) => Err(IndexError::Order(quoted(pair[1].path.as_str()))),
        None => Ok(()),
    }
}

fn parent(index: &Index, entry: &Entry) -> Result<(), IndexError> {
    let lies_well = match entry.path.parent() {
        None => true,
        Some(parent) => index
            .get(parent)
            .is_some_and(|holder| matches!(holder.kind, Kind::Directory)),
    };
    if lies_well {
        Ok(())
    } else {
        Err(IndexError::Parent(quoted(entry.path.as_str())))
    }
}

/// Each file's chunks make up its size, and chunks appear in the table's order.
fn files(index: &Index) -> Result<(), IndexError> {
    let mut fresh = 0;
    for entry in &index.entries {
        let Kind::Regular { size, chunks, .. } = &entry.kind else {
            continue;
        };
        let wrong = || IndexError::Pieces(quoted(entry.path.as_str()));
        if chunks.len() as u64 != pieces(*size) {
            return Err(wrong());
        }
        let mut left = *size;
        for number in chunks {
            let number = *number as usize;
            if number > fresh {
                return Err(IndexError::Chunk(number));
            }
            fresh = fresh.max(number + 1);
            let chunk = index.chunks.get(number).ok_or_else(wrong)?;
            if u64::from(chunk.size) != left.min(u64::from(limits::CHUNK_BYTES)) {
                return Err(wrong());
            }
            left -= u64::from(chunk.size);
        }
    }
    if fresh == index.chunks.len() {
        Ok(())
    } else {
        Err(IndexError::Chunk(fresh))
    }
}

fn links(index: &Index) -> Result<(), IndexError> {
    let mut walker = Walker::new(|path: &str| index.target_of(path));
    for entry in &index.entries {
        if matches!(entry.kind, Kind::Symlink { .. }) {
            walker.resolve(entry.path.as_str())?;
        }
    }
    Ok(())
}
