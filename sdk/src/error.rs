//! Why something could not be done

use limen_channel::ChannelError;
use limen_proto::calls::CallError;
use limen_proto::registry::RegistryError;
use rustix::io::Errno;

/// Why something could not be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The other side of a reference is gone: the grant was revoked, the service was withdrawn,
    /// or its bundle ended. The reference is of no further use; obtain it again.
    #[error("the other side hung up: the grant was revoked or its bundle ended")]
    HungUp,
    /// The broker refused.
    #[error("broker: {0}")]
    Refused(#[from] RegistryError),
    /// The service refused.
    #[error("call: {0}")]
    Call(#[from] CallError),
    /// No answer in time.
    #[error("no answer in time")]
    TimedOut,
    /// Nobody listens for this bundle, or not now.
    #[error("the broker cannot be reached ({0}); does this program run in a bundle?")]
    Unreachable(Errno),
    /// The arguments or the result do not fit a frame.
    #[error(
        "the message does not fit a frame of {} bytes",
        limen_proto::limits::CALL_FRAME
    )]
    TooLarge,
    /// The other side does not speak the protocol, or its result is of another type.
    #[error("the other side's message cannot be read: compare the versions of the interface")]
    Unreadable,
    /// A property or filter is longer than the protocol allows.
    #[error("a property or filter is longer than the registry allows")]
    TooLong,
    /// The kernel refused.
    #[error("the kernel refused: {0}")]
    Kernel(Errno),
}

impl From<ChannelError> for Error {
    fn from(error: ChannelError) -> Self {
        match error {
            ChannelError::HungUp => Self::HungUp,
            ChannelError::WouldBlock => Self::TimedOut,
            ChannelError::Frame(limen_proto::frame::FrameError::TooLarge) => Self::TooLarge,
            ChannelError::TooLong | ChannelError::Descriptors | ChannelError::Frame(_) => {
                Self::Unreadable
            }
            ChannelError::Kernel(errno) => Self::Kernel(errno),
        }
    }
}

impl From<Errno> for Error {
    fn from(errno: Errno) -> Self {
        Self::from(ChannelError::from(errno))
    }
}
