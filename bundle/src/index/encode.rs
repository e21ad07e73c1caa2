//! From an index to its one binary form.

use super::{Entry, Index, Kind, MAGIC, kind, mode};

pub(super) fn encode(index: &Index) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(count(index.chunks.len()).to_le_bytes());
    bytes.extend(count(index.entries.len()).to_le_bytes());
    for chunk in &index.chunks {
        bytes.extend(chunk.digest.0);
        bytes.extend(chunk.stored.to_le_bytes());
        bytes.extend(chunk.size.to_le_bytes());
    }
    for entry in &index.entries {
        encode_entry(entry, &mut bytes);
    }
    bytes
}

fn encode_entry(entry: &Entry, bytes: &mut Vec<u8>) {
    let (kind, mode) = match entry.kind {
        Kind::Directory => (kind::DIRECTORY, mode::DIRECTORY),
        Kind::Regular {
            executable: true, ..
        } => (kind::REGULAR, mode::EXECUTABLE),
        Kind::Regular {
            executable: false, ..
        } => (kind::REGULAR, mode::PLAIN),
        Kind::Symlink { .. } => (kind::SYMLINK, mode::SYMLINK),
    };
    bytes.push(kind);
    bytes.extend(mode.to_le_bytes());
    text(entry.path.as_str(), bytes);
    match &entry.kind {
        Kind::Directory => {}
        Kind::Regular { size, chunks, .. } => {
            bytes.extend(size.to_le_bytes());
            bytes.extend(chunks.iter().flat_map(|number| number.to_le_bytes()));
        }
        Kind::Symlink { target } => text(target, bytes),
    }
}

fn text(text: &str, bytes: &mut Vec<u8>) {
    let length = u16::try_from(text.len()).expect("a checked path has at most 1024 bytes");
    bytes.extend(length.to_le_bytes());
    bytes.extend(text.as_bytes());
}

fn count(length: usize) -> u32 {
    u32::try_from(length).expect("a checked index is below its limits")
}
