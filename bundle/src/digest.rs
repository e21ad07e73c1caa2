//! SHA-256: of bytes, and from its text.
//!
//! Digests name everything in a bundle: the bundle itself (its manifest's bytes), an index, a chunk. The
//! text form is 64 lower-case hexadecimal digits and nothing else: one value has one spelling.

use sha2::Digest as _;

pub use limen_proto::id::Digest;

/// A text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a digest is 64 lower-case hexadecimal digits")]
pub struct NotADigest;

/// The SHA-256 digest (FIPS 180-4) of `bytes`.
#[must_use]
pub fn of(bytes: &[u8]) -> Digest {
    Digest(sha2::Sha256::digest(bytes).into())
}

/// Reads the text form.
///
/// # Errors
/// [`NotADigest`] for any other spelling.
pub fn parse(text: &str) -> Result<Digest, NotADigest> {
    let text: &[u8; 64] = text.as_bytes().try_into().map_err(|_| NotADigest)?;
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = (nibble(pair[0])? << 4) | nibble(pair[1])?;
    }
    Ok(Digest(bytes))
}

fn nibble(digit: u8) -> Result<u8, NotADigest> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(NotADigest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_input_has_the_published_digest() {
        let text = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(of(b"").to_string(), text);
        assert_eq!(parse(text), Ok(of(b"")));
    }

    #[test]
    fn other_spellings_are_refused() {
        let text = of(b"x").to_string();
        for wrong in [
            text.to_uppercase(),
            text[..62].to_owned(),
            format!("{text}0"),
            format!(" {}", &text[1..]),
        ] {
            assert_eq!(parse(&wrong), Err(NotADigest), "{wrong}");
        }
    }
}
