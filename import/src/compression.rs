//! How an archive is compressed, told by its first bytes
//!
//! Media types and file names are claims; every accepted one is for an archive whose decoded bytes are proved by a digest or
//! parsed as what they must be, so the bytes may speak for themselves.

use std::io::{self, BufRead, Read};

use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTANDARD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const XZ: &[u8] = &[0xfd, b'7', b'z', b'X', b'Z', 0];

/// Memory that decoding may take, as a power of two of bytes for Zstandard's window.
const WINDOW_LOG: u32 = 27;
/// The same for xz, KiB.
const XZ_MEMORY_KIB: u32 = 128 * 1024;

/// Whether the bytes begin like something compressed.
pub(crate) fn is_compressed(first: &[u8]) -> bool {
    [GZIP, ZSTANDARD, XZ]
        .iter()
        .any(|magic| first.starts_with(magic))
}

/// The decoded bytes: of gzip (several members), Zstandard (several frames), xz, or as they are.
///
/// # Errors
/// Reading the first bytes, or making a decoder. Corrupt data is an error of reading what comes back.
pub(crate) fn decoded<'a>(mut from: impl BufRead + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let first = from.fill_buf()?;
    Ok(if first.starts_with(GZIP) {
        Box::new(MultiGzDecoder::new(from))
    } else if first.starts_with(ZSTANDARD) {
        let mut decoder = zstd::Decoder::with_buffer(from)?;
        decoder.window_log_max(WINDOW_LOG)?;
        Box::new(decoder)
    } else if first.starts_with(XZ) {
        Box::new(XzReader::new_mem_limit(from, true, XZ_MEMORY_KIB))
    } else {
        Box::new(from)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::io::Write;

    use super::*;

    fn read(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        decoded(bytes)?.read_to_end(&mut out)?;
        Ok(out)
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_is_not_compressed_stays_as_it_is() {
        assert_eq!(read(b"plain").unwrap(), b"plain");
        assert_eq!(read(b"").unwrap(), b"");
    }

    #[test]
    fn members_and_frames_are_joined() {
        let gzipped = [gzip(b"one "), gzip(b"two")].concat();
        assert_eq!(read(&gzipped).unwrap(), b"one two");
        let frames = [b"one ".as_slice(), b"two"].map(|part| zstd::encode_all(part, 1).unwrap());
        assert_eq!(read(&frames.concat()).unwrap(), b"one two");
    }

    #[test]
    fn a_stream_that_is_cut_is_an_error() {
        let whole = gzip(&[7; 4096]);
        for end in [3, 12, whole.len() - 1] {
            assert!(read(&whole[..end]).is_err(), "cut at {end}");
        }
    }
}
