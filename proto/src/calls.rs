//! The calls protocol: caller and service, peer to peer
//!
//! Spoken on a reference's socket, which the broker made and left. A caller sends [`Call`]s, the
//! service answers each with one [`Answer`] of the same id, in any order. What a method number and
//! a body mean is the interface's own contract; the SDK's bodies are postcard. Normative text:
//! docs/reference/calls.md.

use serde::{Deserialize, Serialize};

use crate::limits::CALL_FRAME;

/// Bytes of a frame that are not the body: version, id (5), method (3) or result tags (2 + 5),
/// length (3).
pub const CALL_OVERHEAD: usize = 16;
/// Longest body of a call or an answer, bytes.
pub const CALL_BODY: usize = CALL_FRAME - CALL_OVERHEAD;

/// A request to a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call<'a> {
    /// Chosen by the caller; comes back in the answer.
    pub id: u32,
    /// Which method of the interface.
    pub method: u16,
    /// Its arguments.
    pub body: &'a [u8],
}

/// The reply to a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer<'a> {
    /// Of the call.
    pub id: u32,
    /// Its outcome.
    #[serde(borrow)]
    pub result: Result<&'a [u8], CallError>,
}

/// Why a call was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum CallError {
    /// The service has no such method.
    #[error("the service has no such method: compare the versions of the interface")]
    Method,
    /// The arguments are not those of the method.
    #[error("the service could not read the arguments: compare the versions of the interface")]
    Arguments,
    /// The service could not do it; the number is the interface's own.
    #[error("the service failed with its own code {0}")]
    Failed(u32),
    /// The result does not fit a frame.
    #[error("the result does not fit a frame: ask for less")]
    TooLarge,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame;

    #[test]
    fn the_longest_body_fits_its_frame() {
        let mut buffer = [0; CALL_FRAME];
        let body = [7; CALL_BODY];
        let call = Call {
            id: u32::MAX,
            method: u16::MAX,
            body: &body,
        };
        let sent = frame::encode(&call, &mut buffer).unwrap();
        assert_eq!(frame::decode::<Call<'_>>(sent), Ok(call));
        let answer = Answer {
            id: u32::MAX,
            result: Ok(&body),
        };
        let sent = frame::encode(&answer, &mut buffer).unwrap();
        assert_eq!(frame::decode::<Answer<'_>>(sent), Ok(answer));
    }
}
