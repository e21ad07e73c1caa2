//! Why the steward ends
//!
//! init starts it again; what runs goes on meanwhile.

use rustix::io::Errno;

use crate::state::StateError;

/// Why the steward ends.
#[derive(Debug, thiserror::Error)]
pub enum ShellError {
    /// It was not started by init.
    #[error("no control socket at descriptor 3 ({0}); limen-steward is started by limen-init")]
    NoControl(Errno),
    /// The control socket ended or failed: without init there is nothing to decide.
    #[error("the control socket to init is gone: {0}")]
    Control(String),
    /// Waiting for sockets failed.
    #[error("poll failed: {0}")]
    Poll(Errno),
    /// Another steward runs.
    #[error(transparent)]
    State(#[from] StateError),
}
