//! The envelope: the twenty bytes in front of a bundle.
//!
//! They are the only part that no signature binds, so they say as little as can be: that this is a
//! bundle, which trees of its manifest are in this file, and how long the two things are that must be read
//! before anything can be verified. Every other length follows from signed data.
//!
//! | offset | size | content |
//! | --- | --- | --- |
//! | 0 | 8 | magic `89 4C 49 4D 45 4E 0D 0A` |
//! | 8 | 2 | version, 1 |
//! | 10 | 2 | bit n: the manifest's architecture n (in order of name) is in this file |
//! | 12 | 4 | length of the manifest, 1 to 65 536 |
//! | 16 | 4 | length of the signature, 0 (unsigned) to 1024 |
//!
//! Numbers are little-endian.

use crate::limits;

/// Length of the envelope.
pub const LENGTH: usize = 20;

/// What a bundle begins with: a byte that is not text and a line ending that text transfers damage.
pub const MAGIC: [u8; 8] = *b"\x89LIMEN\r\n";

/// The version of the envelope, and of all that follows it.
pub const VERSION: u16 = 1;

/// A checked envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope {
    /// Bit n: architecture n of the manifest is in this file.
    pub present: u16,
    /// Length of the manifest in bytes, within its limit.
    pub manifest: u32,
    /// Length of the signature in bytes, within its limit; 0 is unsigned.
    pub signature: u32,
}

/// Why twenty bytes are not an envelope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Other magic.
    #[error("this is not a bundle; make one with limenctl bundle pack")]
    NotABundle,
    /// Other version.
    #[error(
        "bundle version {0} is unknown here, version 1 is known; pack it with tools that match the gateway"
    )]
    Version(u16),
    /// A length beyond its limit.
    #[error("bundle names a {part} of {length} bytes, outside of {least} to {most}; it is damaged")]
    Length {
        /// Which part.
        part: &'static str,
        /// The length that the file names.
        length: u32,
        /// Least length allowed.
        least: u32,
        /// Greatest length allowed.
        most: u32,
    },
    /// No architecture.
    #[error("bundle holds no architecture; it is damaged")]
    Nothing,
}

impl Envelope {
    /// Checks the bytes in front of a bundle.
    ///
    /// # Errors
    /// See [`EnvelopeError`].
    pub fn decode(bytes: &[u8; LENGTH]) -> Result<Self, EnvelopeError> {
        if bytes[..8] != MAGIC {
            return Err(EnvelopeError::NotABundle);
        }
        let short = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let long = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        if short(8) != VERSION {
            return Err(EnvelopeError::Version(short(8)));
        }
        let envelope = Self {
            present: short(10),
            manifest: long(12),
            signature: long(16),
        };
        length("manifest", envelope.manifest, 1, limits::MANIFEST_BYTES)?;
        length("signature", envelope.signature, 0, limits::SIGNATURE_BYTES)?;
        if envelope.present == 0 {
            return Err(EnvelopeError::Nothing);
        }
        Ok(envelope)
    }

    /// The bytes that [`Envelope::decode`] reads.
    #[must_use]
    pub fn encode(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
        bytes[10..12].copy_from_slice(&self.present.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.manifest.to_le_bytes());
        bytes[16..].copy_from_slice(&self.signature.to_le_bytes());
        bytes
    }
}

fn length(part: &'static str, length: u32, least: u32, most: u32) -> Result<(), EnvelopeError> {
    if (least..=most).contains(&length) {
        return Ok(());
    }
    Err(EnvelopeError::Length {
        part,
        length,
        least,
        most,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Envelope = Envelope {
        present: 1,
        manifest: 300,
        signature: 250,
    };

    #[test]
    fn round_trip() {
        assert_eq!(Envelope::decode(&GOOD.encode()), Ok(GOOD));
    }

    #[test]
    fn sizes_at_the_edges_of_integers_are_refused() {
        for size in [65_537, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
            for wrong in [
                Envelope {
                    manifest: size,
                    ..GOOD
                },
                Envelope {
                    signature: size,
                    ..GOOD
                },
            ] {
                assert!(matches!(
                    Envelope::decode(&wrong.encode()),
                    Err(EnvelopeError::Length { .. })
                ));
            }
        }
        for wrong in [
            Envelope {
                manifest: 0,
                ..GOOD
            },
            Envelope { present: 0, ..GOOD },
        ] {
            assert!(Envelope::decode(&wrong.encode()).is_err());
        }
    }

    #[test]
    fn magic_and_version_are_exact() {
        for bit in 0..80 {
            let mut bytes = GOOD.encode();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(Envelope::decode(&bytes).is_err(), "bit {bit}");
        }
    }
}
