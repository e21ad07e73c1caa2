//! Signatures: minisign's format, in one spelling, checked strictly.
//!
//! A bundle's signature is a minisign file of four lines over the manifest's bytes: prehashed Ed25519
//! (`ED`, BLAKE2b-512), with the global signature over the trusted comment. What minisign leaves open is
//! closed here, so that every bit of the section counts: the untrusted comment has one fixed text, base64
//! one spelling, lines end in one line feed. The `minisign` tool verifies it as it stands.
//!
//! Strict means, beyond what every verifier does: the scalar is reduced, and neither key nor nonce point
//! is of small order or in a second encoding (Chalkias, Garillot, Nikolaenko: "Taming the many EdDSAs",
//! 2020). Under such a key one signature could fit any message.

use std::fmt;

use ct_codecs::{Base64, Decoder, Encoder};

use crate::limits;

/// First line of every signature in a bundle.
pub const UNTRUSTED: &str = "untrusted comment: limen bundle signature";

const TRUSTED: &str = "trusted comment: ";

/// Which key: eight random bytes that minisign made with it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(pub [u8; 8]);

/// A provider's key for checking signatures.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    id: KeyId,
    line: String,
    key: minisign_verify::PublicKey,
}

/// A well-formed signature; says nothing about who made it until it is verified.
#[derive(Clone, PartialEq, Eq)]
pub struct Signature {
    key: KeyId,
    text: String,
}

/// A text is not a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not minisign's form.
    #[error("not a minisign public key; give the base64 line of the .pub file, it begins with RW")]
    Form,
    /// A key that would verify too much.
    #[error(
        "public key {0} is of small order or not in its one encoding; make a new one with limenctl bundle keygen"
    )]
    Weak(KeyId),
}

/// Why a bundle is not trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No signature.
    #[error("bundle is not signed; sign it with limenctl bundle sign")]
    Unsigned,
    /// By a key that is not the provider's.
    #[error(
        "bundle is signed by key {0}, which is none of this provider's keys; sign it with the provider's key"
    )]
    Foreign(KeyId),
    /// The signature does not fit the manifest.
    #[error(
        "bundle's signature by key {0} does not fit its manifest; it was changed after signing, send it again or sign it again"
    )]
    Bad(KeyId),
    /// Not in the form of this format.
    #[error(
        "bundle's signature is not in the form of format 1 ({0}); sign it with limenctl bundle sign"
    )]
    Form(&'static str),
}

impl PublicKey {
    /// Reads a key: the base64 line, alone or as the second line of a `.pub` file.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let line = match text.trim_end_matches('\n').split_once('\n') {
            Some((comment, line)) if comment.starts_with("untrusted comment:") => line,
            Some(_) => return Err(KeyError::Form),
            None => text.trim_end_matches('\n'),
        };
        let bytes: [u8; 42] = decode(line).ok_or(KeyError::Form)?;
        let (head, point) = bytes.split_at(10);
        let ([b'E', b'd', id @ ..], Ok(point)) = (head, <&[u8; 32]>::try_from(point)) else {
            return Err(KeyError::Form);
        };
        let id = KeyId(id.try_into().map_err(|_| KeyError::Form)?);
        if is_weak(point) {
            return Err(KeyError::Weak(id));
        }
        let key = minisign_verify::PublicKey::from_base64(line).map_err(|_| KeyError::Form)?;
        Ok(Self {
            id,
            line: line.to_owned(),
            key,
        })
    }

    /// Which key it is.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The base64 line.
    #[must_use]
    pub fn line(&self) -> &str {
        &self.line
    }
}

impl Signature {
    /// Reads the signature section of a bundle.
    ///
    /// # Errors
    /// [`SignatureError::Unsigned`] for an empty section, [`SignatureError::Form`] for any spelling but the one.
    pub fn parse(section: &[u8]) -> Result<Self, SignatureError> {
        if section.is_empty() {
            return Err(SignatureError::Unsigned);
        }
        let text = std::str::from_utf8(section).map_err(|_| SignatureError::Form("not UTF-8"))?;
        let untrusted = text.split('\n').next();
        if untrusted != Some(UNTRUSTED) {
            return Err(SignatureError::Form("another untrusted comment"));
        }
        Self::canonical(text)
    }

    /// Adopts a signature file that the `minisign` tool made: its untrusted comment is replaced, nothing else.
    ///
    /// # Errors
    /// [`SignatureError::Form`].
    pub fn adopt(text: &str) -> Result<Self, SignatureError> {
        let (untrusted, rest) = text
            .split_once('\n')
            .ok_or(SignatureError::Form("not four lines"))?;
        if !untrusted.starts_with("untrusted comment: ") {
            return Err(SignatureError::Form("no untrusted comment"));
        }
        Self::canonical(&format!("{UNTRUSTED}\n{rest}"))
    }

    fn canonical(text: &str) -> Result<Self, SignatureError> {
        let form = |what| SignatureError::Form(what);
        if text.len() > limits::SIGNATURE_BYTES as usize {
            return Err(form("longer than 1024 bytes"));
        }
        let lines: Vec<&str> = text.split('\n').collect();
        let [_, signature, trusted, global, ""] = lines[..] else {
            return Err(form("not four lines"));
        };
        let signature: [u8; 74] =
            decode(signature).ok_or(form("second line is not a signature"))?;
        let global: [u8; 64] = decode(global).ok_or(form("fourth line is not a signature"))?;
        let comment = trusted
            .strip_prefix(TRUSTED)
            .ok_or(form("no trusted comment"))?;
        if comment.chars().any(|c| c.is_control() && c != '\t') {
            return Err(form("control characters in the trusted comment"));
        }
        let [b'E', b'D', body @ ..] = &signature else {
            return Err(form("not prehashed"));
        };
        let (id, body) = body.split_at(8);
        let nonces = [&body[..32], &global[..32]];
        if nonces
            .iter()
            .any(|nonce| <&[u8; 32]>::try_from(*nonce).is_ok_and(is_weak))
        {
            return Err(form("a point of small order"));
        }
        let key = KeyId(id.try_into().map_err(|_| form("no key id"))?);
        Ok(Self {
            key,
            text: text.to_owned(),
        })
    }

    /// The key that it claims to be made with.
    #[must_use]
    pub fn key(&self) -> KeyId {
        self.key
    }

    /// The section's text, which is a minisign signature file.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The trusted comment: signed, for people, without meaning here.
    #[must_use]
    pub fn comment(&self) -> &str {
        self.text
            .split('\n')
            .nth(2)
            .and_then(|line| line.strip_prefix(TRUSTED))
            .unwrap_or_default()
    }

    /// Proves that one of `keys` signed `manifest`, and says which.
    ///
    /// # Errors
    /// [`SignatureError::Foreign`] if the key is none of `keys`, [`SignatureError::Bad`] if it did not sign this.
    pub fn verify(&self, manifest: &[u8], keys: &[PublicKey]) -> Result<KeyId, SignatureError> {
        let mut ours = keys.iter().filter(|key| key.id == self.key).peekable();
        if ours.peek().is_none() {
            return Err(SignatureError::Foreign(self.key));
        }
        let signature = minisign_verify::Signature::decode(&self.text)
            .map_err(|_| SignatureError::Form("not a minisign signature"))?;
        // Two keys may share an id by ill will; each is tried.
        if ours.any(|key| key.key.verify(manifest, &signature, false).is_ok()) {
            Ok(self.key)
        } else {
            Err(SignatureError::Bad(self.key))
        }
    }
}

impl fmt::Display for KeyId {
    /// As the `minisign` tool prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", u64::from_le_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "signature by {}", self.key)
    }
}

/// Decodes base64 of exactly `N` bytes in its one spelling.
pub(crate) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let bytes: [u8; N] = Base64::decode_to_vec(text, None).ok()?.try_into().ok()?;
    (Base64::encode_to_string(bytes).ok()? == text).then_some(bytes)
}

/// The y coordinates of the points of order 1, 2, 4 and 8 on edwards25519 (RFC 8032, 5.1), below the field's prime.
const SMALL_ORDER: [[u8; 32]; 5] = [
    [0; 32],
    {
        let mut one = [0; 32];
        one[0] = 1;
        one
    },
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
    {
        let mut minus_one = [0xff; 32];
        minus_one[0] = 0xec;
        minus_one[31] = 0x7f;
        minus_one
    },
];

/// Whether an encoded point is of small order, or has its y at or above 2^255-19 (a second encoding).
fn is_weak(point: &[u8; 32]) -> bool {
    let mut y = *point;
    y[31] &= 0x7f;
    let above_prime = y[0] >= 0xed && y[31] == 0x7f && y[1..31].iter().all(|byte| *byte == 0xff);
    above_prime || SMALL_ORDER.contains(&y)
}

#[cfg(test)]
mod tests;
