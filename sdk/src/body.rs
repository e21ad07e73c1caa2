//! Bodies: typed arguments and results
//!
//! Postcard. A body with bytes left over is of another type.

use limen_proto::calls::{CALL_BODY, CallError};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads a whole body.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    match postcard::take_from_bytes(body) {
        Ok((value, [])) => Some(value),
        Ok(_) | Err(_) => None,
    }
}

/// Writes a body, if it fits a frame.
pub(crate) fn write<T: Serialize + ?Sized>(value: &T) -> Option<Vec<u8>> {
    let body = postcard::to_allocvec(value).ok()?;
    (body.len() <= CALL_BODY).then_some(body)
}

/// Serves one method: reads its arguments, does it, writes its result.
///
/// # Errors
/// [`CallError::Arguments`], [`CallError::TooLarge`], or what `handle` says.
pub fn answer<A: DeserializeOwned, R: Serialize>(
    arguments: &[u8],
    handle: impl FnOnce(A) -> Result<R, CallError>,
) -> Result<Vec<u8>, CallError> {
    let arguments = read(arguments).ok_or(CallError::Arguments)?;
    write(&handle(arguments)?).ok_or(CallError::TooLarge)
}
