//! A service: what answers calls

use limen_proto::calls::CallError;
use limen_proto::registry::Caller;

/// Answers calls. Any closure of the same shape is one.
pub trait Service {
    /// One call. `caller` was said by the broker, so it is true. [`answer`](crate::answer) reads typed
    /// arguments and writes a typed result.
    ///
    /// # Errors
    /// What the caller is to be told.
    fn call(
        &mut self,
        caller: &Caller,
        method: u16,
        arguments: &[u8],
    ) -> Result<Vec<u8>, CallError>;
}

impl<F> Service for F
where
    F: FnMut(&Caller, u16, &[u8]) -> Result<Vec<u8>, CallError>,
{
    fn call(
        &mut self,
        caller: &Caller,
        method: u16,
        arguments: &[u8],
    ) -> Result<Vec<u8>, CallError> {
        self(caller, method, arguments)
    }
}
