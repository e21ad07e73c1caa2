//! A part of an image that is named by what it contains

use std::fs::File;
use std::io::{self, Read, Seek, Write};

use oci_spec::image::{Descriptor, Digest, DigestAlgorithm};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256, Sha512};

use super::TEXT_BYTES;
use super::error::ImageError;
use super::source::Source;

/// The digests that images use.
enum Hasher {
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Hasher {
    fn new(digest: &Digest) -> Result<Self, ImageError> {
        match digest.algorithm() {
            DigestAlgorithm::Sha256 => Ok(Self::Sha256(Sha256::new())),
            DigestAlgorithm::Sha512 => Ok(Self::Sha512(Sha512::new())),
            _ => Err(ImageError::Algorithm(digest.to_string())),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    fn finish(self) -> String {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        match self {
            Self::Sha256(hasher) => hex(&hasher.finalize()),
            Self::Sha512(hasher) => hex(&hasher.finalize()),
        }
    }
}

/// A reader that knows at the end whether what it read was what the digest names.
pub(super) struct Proof<R> {
    from: R,
    hasher: Hasher,
    expected: String,
}

impl<R: Read> Proof<R> {
    pub(super) fn new(from: R, digest: &Digest) -> Result<Self, ImageError> {
        let hasher = Hasher::new(digest)?;
        let expected = digest.digest().to_owned();
        Ok(Self {
            from,
            hasher,
            expected,
        })
    }

    /// Whether all that was read is the content of the digest.
    pub(super) fn holds(self) -> bool {
        self.hasher.finish() == self.expected
    }
}

impl<R: Read> Read for Proof<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        Ok(read)
    }
}

/// The name of a blob in a layout.
fn name(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm(), digest.digest())
}

/// Copies the blob that `descriptor` names to `to`, and proves it.
fn copy(source: &Source, descriptor: &Descriptor, to: &mut impl Write) -> Result<(), ImageError> {
    let digest = descriptor.digest();
    if descriptor
        .urls()
        .as_ref()
        .is_some_and(|urls| !urls.is_empty())
    {
        return Err(ImageError::Elsewhere(digest.to_string()));
    }
    // First: it also proves that the name is made of nothing but a known word and hexadecimal digits.
    Hasher::new(digest)?;
    let name = name(digest);
    let Some((from, real)) = source.part(&name)? else {
        return Err(ImageError::Missing(name));
    };
    let declared = descriptor.size();
    if real != declared {
        return Err(ImageError::Size {
            name,
            real,
            declared,
        });
    }
    let mut proof = Proof::new(from, digest)?;
    let copied = io::copy(&mut (&mut proof).take(declared), to).map_err(ImageError::Temporary)?;
    if copied == declared && proof.holds() {
        Ok(())
    } else {
        Err(ImageError::Digest {
            name,
            digest: digest.to_string(),
        })
    }
}

/// A private copy of a large blob, proved.
pub(super) fn file(source: &Source, descriptor: &Descriptor) -> Result<File, ImageError> {
    let mut file = tempfile::tempfile().map_err(ImageError::Temporary)?;
    copy(source, descriptor, &mut file)?;
    file.rewind().map_err(ImageError::Temporary)?;
    Ok(file)
}

/// A blob that is a JSON document, proved before it is parsed.
pub(super) fn document<T: DeserializeOwned>(
    source: &Source,
    descriptor: &Descriptor,
) -> Result<T, ImageError> {
    if descriptor.size() > TEXT_BYTES {
        return Err(ImageError::Long(descriptor.digest().to_string()));
    }
    let mut text = Vec::new();
    copy(source, descriptor, &mut text)?;
    parse(descriptor.digest().as_ref(), &text)
}

/// A JSON document.
pub(super) fn parse<T: DeserializeOwned>(what: &str, text: &[u8]) -> Result<T, ImageError> {
    serde_json::from_slice(text).map_err(|source| ImageError::Malformed {
        what: what.to_owned(),
        source,
    })
}
