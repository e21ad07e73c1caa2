//! Frames: one message, one packet
//!
//! A version byte, then postcard. The socket keeps the boundaries (SOCK_SEQPACKET), so a frame has
//! no length field that could lie. Decoding refuses another version and bytes left over.

use serde::{Deserialize, Serialize};

use crate::limits::PROTOCOL_VERSION;

/// Why a frame was refused, or could not be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The message does not fit the buffer: the sender's fault.
    #[error("message is larger than its frame")]
    TooLarge,
    /// Nothing arrived but the boundary.
    #[error("frame is empty")]
    Empty,
    /// The peer speaks another version.
    #[error("frame has version {0}, not {PROTOCOL_VERSION}")]
    Version(u8),
    /// The bytes are not a message of this protocol: the peer's fault.
    #[error("frame does not hold a message of this protocol")]
    Malformed,
    /// A message and then something else: the peer's fault.
    #[error("frame has {0} bytes behind its message")]
    Trailing(usize),
}

/// Writes `message` into `buffer` and returns the part to send.
///
/// # Errors
/// The message does not fit.
pub fn encode<'a, T: Serialize + ?Sized>(
    message: &T,
    buffer: &'a mut [u8],
) -> Result<&'a [u8], FrameError> {
    let (version, body) = buffer.split_first_mut().ok_or(FrameError::TooLarge)?;
    *version = PROTOCOL_VERSION;
    let length = postcard::to_slice(message, body)
        .map_err(|_| FrameError::TooLarge)?
        .len();
    buffer.get(..length + 1).ok_or(FrameError::TooLarge)
}

/// Bytes of the frame that `message` becomes.
///
/// # Errors
/// The message cannot be written at all.
pub fn length<T: Serialize + ?Sized>(message: &T) -> Result<usize, FrameError> {
    let body = postcard::experimental::serialized_size(message);
    body.map(|body| body + 1).map_err(|_| FrameError::TooLarge)
}

/// Reads the one message of `frame`.
///
/// # Errors
/// See [`FrameError`]; nothing is half read.
pub fn decode<'a, T: Deserialize<'a>>(frame: &'a [u8]) -> Result<T, FrameError> {
    let (version, body) = frame.split_first().ok_or(FrameError::Empty)?;
    if *version != PROTOCOL_VERSION {
        return Err(FrameError::Version(*version));
    }
    match postcard::take_from_bytes(body) {
        Ok((message, [])) => Ok(message),
        Ok((_, rest)) => Err(FrameError::Trailing(rest.len())),
        Err(_) => Err(FrameError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_survives_only_whole() {
        let mut buffer = [0; 64];
        let frame = encode(&(7u32, "seven"), &mut buffer).unwrap();
        assert_eq!(decode::<(u32, &str)>(frame), Ok((7, "seven")));
        assert_eq!(length(&(7u32, "seven")), Ok(frame.len()));
        for cut in 1..frame.len() {
            assert!(
                decode::<(u32, &str)>(&frame[..cut]).is_err(),
                "cut at {cut}"
            );
        }
        assert_eq!(decode::<u8>(&[]), Err(FrameError::Empty));
        assert_eq!(decode::<u8>(&[9, 1]), Err(FrameError::Version(9)));
        assert_eq!(
            decode::<u8>(&[PROTOCOL_VERSION, 1, 2]),
            Err(FrameError::Trailing(1))
        );
        assert_eq!(
            encode(&[0u8; 64][..], &mut buffer),
            Err(FrameError::TooLarge)
        );
    }
}
