//! Why a frame was not sent or not received

use limen_proto::frame::FrameError;
use rustix::io::Errno;

/// Why a frame was not sent or not received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    /// The socket has no room, or no frame, right now. Wait for it to become writable or
    /// readable and call again; nothing was sent or lost.
    #[error("the peer is not ready; wait for the socket and try again")]
    WouldBlock,
    /// The peer is gone (sending only; a receiver sees `None`).
    #[error("the peer hung up")]
    HungUp,
    /// The frame is longer than the protocol allows: the peer's fault. It is discarded.
    #[error("the peer sent a frame longer than the protocol allows")]
    TooLong,
    /// More descriptors than the protocol allows, or than this process has room for. Those that
    /// did arrive are closed and the frame is discarded.
    #[error("not every descriptor of the frame arrived")]
    Descriptors,
    /// The frame does not hold a message of the protocol. Descriptors that came with it are closed.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The kernel refused.
    #[error("socket: {0}")]
    Kernel(Errno),
}

impl ChannelError {
    /// The errno that tells this best, for reports that carry only a number.
    pub const fn errno(self) -> i32 {
        match self {
            Self::WouldBlock => Errno::AGAIN.raw_os_error(),
            Self::HungUp => Errno::PIPE.raw_os_error(),
            Self::TooLong => Errno::MSGSIZE.raw_os_error(),
            Self::Descriptors => Errno::TOOMANYREFS.raw_os_error(),
            Self::Frame(_) => Errno::BADMSG.raw_os_error(),
            Self::Kernel(errno) => errno.raw_os_error(),
        }
    }
}

impl From<Errno> for ChannelError {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::AGAIN => Self::WouldBlock,
            Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN => Self::HungUp,
            other => Self::Kernel(other),
        }
    }
}
