//! Chunks: pieces of files, proved before they are unpacked.
//!
//! A chunk is stored as one Zstandard frame (RFC 8878) of a single, narrow kind: one segment, its content
//! size declared, no dictionary, no checksum. Its digest is of the stored bytes, so nothing unsigned
//! reaches the decoder; and since the frame's window is its content size, which must equal the size in
//! the index, the decoder's memory is known before it starts.

use std::io::Read;

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::digest::{self, Digest};
use crate::limits;

/// What an index says of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// Digest of the stored bytes.
    pub digest: Digest,
    /// Length of the stored bytes.
    pub stored: u32,
    /// Length of the content.
    pub size: u32,
}

/// Why stored bytes are not the chunk that the index names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// Other bytes than those that were signed.
    #[error("chunk {0} does not have its digest; the bundle was damaged on its way, send it again")]
    Digest(Digest),
    /// A frame of another kind.
    #[error(
        "chunk {0} is not a single-segment zstd frame of its declared size; pack the bundle again"
    )]
    Frame(Digest),
    /// The decoder gave up, or the content is shorter or longer than declared.
    #[error("chunk {0} does not unpack to its declared size; pack the bundle again")]
    Content(Digest),
}

/// Unpacks chunks; keeps its tables between them.
pub struct Unpacker {
    decoder: FrameDecoder,
    content: Vec<u8>,
}

impl Default for Unpacker {
    fn default() -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(u64::from(limits::CHUNK_BYTES));
        Self {
            decoder,
            content: Vec::new(),
        }
    }
}

impl Chunk {
    /// Proves that `stored` is this chunk.
    ///
    /// # Errors
    /// [`ChunkError::Digest`].
    pub fn prove(&self, stored: &[u8]) -> Result<(), ChunkError> {
        if digest::of(stored) == self.digest {
            Ok(())
        } else {
            Err(ChunkError::Digest(self.digest))
        }
    }
}

impl Unpacker {
    /// Unpacks bytes that were proved to be `chunk`.
    ///
    /// # Errors
    /// [`ChunkError::Frame`] or [`ChunkError::Content`]: its author's fault, since the bytes are signed.
    pub fn unpack(&mut self, chunk: &Chunk, stored: &[u8]) -> Result<&[u8], ChunkError> {
        let size = chunk.size as usize;
        if !is_plain_frame(stored, chunk.size) {
            return Err(ChunkError::Frame(chunk.digest));
        }
        let wrong = || ChunkError::Content(chunk.digest);
        let mut input = stored;
        self.decoder.init(&mut input).map_err(|_| wrong())?;
        self.content.clear();
        // One block at a time: a frame that unfolds to more than it declared is left at its first block too many.
        while !self.decoder.is_finished() {
            self.decoder
                .decode_blocks(&mut input, BlockDecodingStrategy::UptoBlocks(1))
                .map_err(|_| wrong())?;
            if self.content.len() + self.decoder.can_collect() > size {
                return Err(wrong());
            }
            let room = (size + 1 - self.content.len()) as u64;
            self.decoder
                .by_ref()
                .take(room)
                .read_to_end(&mut self.content)
                .map_err(|_| wrong())?;
        }
        if !input.is_empty() || self.content.len() != size {
            return Err(wrong());
        }
        Ok(&self.content)
    }
}

/// Whether a frame has the header that format 1 demands (RFC 8878, 3.1.1.1).
fn is_plain_frame(stored: &[u8], size: u32) -> bool {
    let Some((magic, [descriptor, rest @ ..])) = stored.split_first_chunk::<4>() else {
        return false;
    };
    let declared = match (descriptor, rest) {
        // Single segment, content size in one byte, two bytes (from 256), four bytes.
        (0x20, [a, ..]) => u32::from(*a),
        (0x60, [a, b, ..]) => u32::from(u16::from_le_bytes([*a, *b])) + 256,
        (0xa0, [a, b, c, d, ..]) => u32::from_le_bytes([*a, *b, *c, *d]),
        _ => return false,
    };
    *magic == [0x28, 0xb5, 0x2f, 0xfd] && declared == size
}

#[cfg(all(test, feature = "tools"))]
mod tests {
    use super::*;
    use crate::pack::seal;

    fn described(stored: &[u8], size: usize) -> Chunk {
        Chunk {
            digest: digest::of(stored),
            stored: u32::try_from(stored.len()).expect("small"),
            size: u32::try_from(size).expect("small"),
        }
    }

    #[test]
    fn contents_of_all_sizes_round_trip() {
        let noise: Vec<u8> = (0..65_536u32)
            .map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[2])
            .collect();
        let mut unpacker = Unpacker::default();
        for size in [1, 2, 255, 256, 257, 4096, 65_535, 65_536] {
            for content in [&noise[..size], &vec![0; size]] {
                let stored = seal(content).expect("sealed");
                assert!(stored.len() <= limits::STORED_BYTES as usize);
                let chunk = described(&stored, size);
                assert_eq!(chunk.prove(&stored), Ok(()));
                assert_eq!(unpacker.unpack(&chunk, &stored), Ok(content), "{size}");
            }
        }
    }

    #[test]
    fn a_declared_size_that_is_not_the_real_one_is_refused() {
        let stored = seal(&[7; 1000]).expect("sealed");
        let mut unpacker = Unpacker::default();
        for size in [0, 1, 999, 1001, 65_536] {
            assert!(
                unpacker.unpack(&described(&stored, size), &stored).is_err(),
                "{size}"
            );
        }
        // The header agrees, the blocks do not: the lie is in both directions.
        for (low, high) in [(0xe7, 0x02), (0xe9, 0x02)] {
            let mut lie = stored.clone();
            (lie[5], lie[6]) = (low, high);
            let size = usize::from(u16::from_le_bytes([low, high])) + 256;
            let refused = unpacker.unpack(&described(&lie, size), &lie);
            assert!(matches!(refused, Err(ChunkError::Content(_))), "{size}");
        }
    }

    #[test]
    fn other_frames_and_trailing_bytes_are_refused() {
        let stored = seal(&[7; 1000]).expect("sealed");
        let mut unpacker = Unpacker::default();
        let mut longer = stored.clone();
        longer.push(0);
        let twice = [stored.clone(), stored.clone()].concat();
        let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0][..], &stored].concat();
        for wrong in [
            &longer[..],
            &twice,
            &skippable,
            &stored[..stored.len() - 1],
            b"",
            &stored[..4],
        ] {
            assert!(unpacker.unpack(&described(wrong, 1000), wrong).is_err());
        }
        // Still of use afterwards.
        assert!(unpacker.unpack(&described(&stored, 1000), &stored).is_ok());
    }

    #[test]
    fn a_frame_that_unfolds_without_end_is_left_early() {
        // Single segment of 65536; 16 RLE blocks of 128 KiB - 1 each.
        let mut bomb = vec![0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 1, 0];
        for last in [false; 15].into_iter().chain([true]) {
            let header = (0x1_ffff_u32 << 3) | (1 << 1) | u32::from(last);
            bomb.extend_from_slice(&header.to_le_bytes()[..3]);
            bomb.push(0);
        }
        assert!(
            Unpacker::default()
                .unpack(&described(&bomb, 65_536), &bomb)
                .is_err()
        );
    }
}
