//! The whole file as a stream: each stage proves the next before it is read.
//!
//! [`Sealed`] has manifest and signature as bytes and believes nothing. [`Opened`] has verified the one
//! with the other and only then parsed. [`Body`] has read the indexes, whose digests the manifest
//! names, and hands out chunks, each proved by the digest that an index names. The end of the last chunk
//! must be the end of the file: what is signed is exactly what is read.
//!
//! Reads forwards only, so a pipe will do. Holds the manifest, one tree's index, the chunk lists of the
//! others and one chunk.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

use crate::chunk::{Chunk, ChunkError};
use crate::digest::{self, Digest};
use crate::envelope::{self, Envelope, EnvelopeError};
use crate::index::{Index, IndexError, SuitError};
use crate::limits;
use crate::manifest::{Architecture, Manifest, ManifestError};
use crate::signature::{KeyId, PublicKey, Signature, SignatureError};

/// Why a file was refused.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The envelope.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// The signature.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The manifest, although it was signed.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// An index, although it was signed.
    #[error("{0}: {1}")]
    Index(Architecture, #[source] IndexError),
    /// An index does not suit the manifest.
    #[error("{0}: {1}")]
    Suit(Architecture, #[source] SuitError),
    /// An index is not the signed one.
    #[error(
        "index of {0} does not have its digest; the bundle was damaged on its way, send it again"
    )]
    IndexDigest(Architecture),
    /// A chunk.
    #[error(transparent)]
    Chunk(#[from] ChunkError),
    /// The file has no tree for this machine.
    #[error("bundle holds no tree for {wanted}, only for {held}; pack it for {wanted} too")]
    Architecture {
        /// What is needed.
        wanted: Architecture,
        /// What is there.
        held: String,
    },
    /// The envelope names a tree that the manifest does not.
    #[error(
        "bundle's envelope names trees that its manifest does not; it is damaged, send it again"
    )]
    Present,
    /// The stream ended.
    #[error("bundle ends inside its {0}; it arrived incomplete, send it again")]
    Truncated(&'static str),
    /// The stream did not end.
    #[error("bundle goes on behind its end; it is damaged, send it again")]
    Trailing,
    /// The stream failed.
    #[error("bundle cannot be read")]
    Read(#[source] io::Error),
}

/// A bundle of which only the envelope is known.
pub struct Sealed<R> {
    input: R,
    envelope: Envelope,
    manifest: Vec<u8>,
    signature: Vec<u8>,
}

/// A bundle whose manifest is known and, where [`Sealed::verify`] made it, trusted.
pub struct Opened<R> {
    input: R,
    present: u16,
    bytes: Vec<u8>,
    signature: Option<Signature>,
    manifest: Manifest,
}

/// A bundle whose indexes are known: its chunks are what is left of the stream.
pub struct Body<R> {
    input: R,
    indexes: BTreeMap<Architecture, (Index, Vec<u8>)>,
    chunks: Vec<Chunk>,
    next: usize,
    stored: Vec<u8>,
}

impl<R: Read> Sealed<R> {
    /// Reads up to the end of the signature.
    ///
    /// # Errors
    /// [`BundleError::Envelope`], [`BundleError::Truncated`] or [`BundleError::Read`].
    pub fn read(mut input: R) -> Result<Self, BundleError> {
        let mut head = Vec::with_capacity(envelope::LENGTH);
        let mut first = (&mut input).take(envelope::LENGTH as u64);
        first.read_to_end(&mut head).map_err(BundleError::Read)?;
        let head = head.as_slice().try_into();
        let envelope = Envelope::decode(head.map_err(|_| BundleError::Truncated("envelope"))?)?;
        let manifest = read(&mut input, envelope.manifest, "manifest")?;
        let signature = read(&mut input, envelope.signature, "signature")?;
        Ok(Self {
            input,
            envelope,
            manifest,
            signature,
        })
    }

    /// Proves that one of `keys` signed the manifest, then parses it.
    ///
    /// # Errors
    /// [`BundleError::Signature`] first; then, if the bundle is to be trusted but wrong, [`BundleError::Manifest`]
    /// or [`BundleError::Present`].
    pub fn verify(self, keys: &[PublicKey]) -> Result<Opened<R>, BundleError> {
        let signature = Signature::parse(&self.signature)?;
        signature.verify(&self.manifest, keys)?;
        self.open(Some(signature))
    }

    /// Parses the manifest without asking who made it: for looking at one's own files, never on the box.
    ///
    /// # Errors
    /// As [`Sealed::verify`], except that a missing or foreign signature is none.
    #[cfg(feature = "tools")]
    pub fn open_untrusted(self) -> Result<Opened<R>, BundleError> {
        let signature = match Signature::parse(&self.signature) {
            Err(SignatureError::Unsigned) => None,
            parsed => Some(parsed?),
        };
        self.open(signature)
    }

    /// Envelope, manifest and the stream behind the signature: for putting another signature in its place.
    #[cfg(feature = "tools")]
    pub(crate) fn into_parts(self) -> (Envelope, Vec<u8>, R) {
        (self.envelope, self.manifest, self.input)
    }

    fn open(self, signature: Option<Signature>) -> Result<Opened<R>, BundleError> {
        let manifest = Manifest::parse(&self.manifest)?;
        if u32::from(self.envelope.present) >> manifest.architectures.len() != 0 {
            return Err(BundleError::Present);
        }
        Ok(Opened {
            input: self.input,
            present: self.envelope.present,
            bytes: self.manifest,
            signature,
            manifest,
        })
    }
}

impl<R: Read> Opened<R> {
    /// What the bundle says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The manifest as it was signed.
    #[must_use]
    pub fn manifest_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The signature; none only in an unsigned bundle that was opened untrusted.
    #[must_use]
    pub fn signature(&self) -> Option<&Signature> {
        self.signature.as_ref()
    }

    /// The key that signed it, or claims to have.
    #[must_use]
    pub fn key(&self) -> Option<KeyId> {
        self.signature.as_ref().map(Signature::key)
    }

    /// The bundle's digest: that of its manifest.
    #[must_use]
    pub fn digest(&self) -> Digest {
        digest::of(&self.bytes)
    }

    /// The architectures whose trees are in this file, in their order.
    pub fn present(&self) -> impl Iterator<Item = Architecture> + '_ {
        let all = self.manifest.architectures.keys().enumerate();
        all.filter(|(position, _)| self.present >> position & 1 == 1)
            .map(|(_, architecture)| *architecture)
    }

    /// Proves that there is a tree for `wanted`.
    ///
    /// # Errors
    /// [`BundleError::Architecture`].
    pub fn has(&self, wanted: Architecture) -> Result<(), BundleError> {
        if self.present().any(|architecture| architecture == wanted) {
            return Ok(());
        }
        let held: Vec<&str> = self.present().map(Architecture::name).collect();
        Err(BundleError::Architecture {
            wanted,
            held: held.join(", "),
        })
    }

    /// Reads all indexes, keeps those that `keep` chooses, and gives the manifest back beside the rest.
    ///
    /// # Errors
    /// [`BundleError::IndexDigest`], [`BundleError::Index`], [`BundleError::Suit`], [`BundleError::Truncated`].
    pub fn body(
        mut self,
        keep: impl Fn(Architecture) -> bool,
    ) -> Result<(Manifest, Body<R>), BundleError> {
        let (mut indexes, mut chunks, mut seen) = (BTreeMap::new(), Vec::new(), BTreeSet::new());
        let present: Vec<Architecture> = self.present().collect();
        for architecture in present {
            let (index, bytes) = self.index(architecture)?;
            // One chunk of several trees lies in the file once, where the first of them has it.
            chunks.extend(
                index
                    .chunks()
                    .iter()
                    .filter(|chunk| seen.insert(chunk.digest.0)),
            );
            if keep(architecture) {
                indexes.insert(architecture, (index, bytes));
            }
        }
        let body = Body {
            input: self.input,
            indexes,
            chunks,
            next: 0,
            stored: Vec::new(),
        };
        Ok((self.manifest, body))
    }

    fn index(&mut self, architecture: Architecture) -> Result<(Index, Vec<u8>), BundleError> {
        let tree = self
            .manifest
            .architectures
            .get(&architecture)
            .ok_or(BundleError::Present)?;
        let bytes = read(&mut self.input, tree.index_size, "index")?;
        if digest::of(&bytes) != tree.index {
            return Err(BundleError::IndexDigest(architecture));
        }
        let index =
            Index::decode(&bytes).map_err(|error| BundleError::Index(architecture, error))?;
        index
            .suits(&self.manifest, tree)
            .map_err(|error| BundleError::Suit(architecture, error))?;
        Ok((index, bytes))
    }
}

impl<R: Read> Body<R> {
    /// The index of an architecture that was kept.
    #[must_use]
    pub fn index(&self, architecture: Architecture) -> Option<&Index> {
        self.indexes.get(&architecture).map(|(index, _)| index)
    }

    /// Takes out the index of an architecture that was kept, with the bytes that it was read from.
    #[must_use]
    pub fn take_index(&mut self, architecture: Architecture) -> Option<(Index, Vec<u8>)> {
        self.indexes.remove(&architecture)
    }

    /// Stored bytes of all chunks together: how long the rest of the stream is.
    #[must_use]
    pub fn stored(&self) -> u64 {
        self.chunks
            .iter()
            .map(|chunk| u64::from(chunk.stored))
            .sum()
    }

    /// The next chunk and its stored bytes, proved; none at the end of the file, which is proved too.
    ///
    /// # Errors
    /// [`BundleError::Chunk`], [`BundleError::Truncated`], [`BundleError::Trailing`], [`BundleError::Read`].
    pub fn next_chunk(&mut self) -> Result<Option<(Chunk, &[u8])>, BundleError> {
        let Some(chunk) = self.chunks.get(self.next).copied() else {
            return self.end().map(|()| None);
        };
        self.next += 1;
        self.stored.clear();
        read_into(&mut self.input, chunk.stored, "chunks", &mut self.stored)?;
        chunk.prove(&self.stored)?;
        Ok(Some((chunk, &self.stored)))
    }

    fn end(&mut self) -> Result<(), BundleError> {
        let mut beyond = Vec::new();
        (&mut self.input)
            .take(1)
            .read_to_end(&mut beyond)
            .map_err(BundleError::Read)?;
        if beyond.is_empty() {
            Ok(())
        } else {
            Err(BundleError::Trailing)
        }
    }
}

fn read(input: &mut impl Read, length: u32, part: &'static str) -> Result<Vec<u8>, BundleError> {
    let mut bytes = Vec::new();
    read_into(input, length, part, &mut bytes)?;
    Ok(bytes)
}

/// Memory grows with what arrives, not with what was announced.
fn read_into(
    input: &mut impl Read,
    length: u32,
    part: &'static str,
    bytes: &mut Vec<u8>,
) -> Result<(), BundleError> {
    debug_assert!(
        length <= limits::INDEX_BYTES,
        "every length was compared with its limit"
    );
    input
        .take(u64::from(length))
        .read_to_end(bytes)
        .map_err(BundleError::Read)?;
    if bytes.len() == length as usize {
        Ok(())
    } else {
        Err(BundleError::Truncated(part))
    }
}
