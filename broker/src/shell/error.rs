//! Why the broker cannot go on
//!
//! Init starts it again; references live on meanwhile.

use limen_channel::ChannelError;
use rustix::io::Errno;

/// A fault of the broker itself or of what it stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ShellError {
    /// The control socket is not there.
    #[error("descriptor 3 is not a control socket ({0}): limen-broker is started by limen-init")]
    NoControl(Errno),
    /// The control socket failed.
    #[error("control socket: {0}")]
    Control(ChannelError),
    /// Init closed the control socket.
    #[error("limen-init is gone")]
    InitGone,
    /// The epoll set failed.
    #[error("{0}: {1}")]
    Kernel(&'static str, Errno),
}
