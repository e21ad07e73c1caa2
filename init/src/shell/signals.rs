//! Signals, read like any other descriptor
//!
//! All of them are blocked and arrive in order on one descriptor; nothing runs inside a handler.
//! SIGINT is what the kernel sends for ctrl-alt-delete. The others mean to PID 1 what they mean to
//! busybox's init, so that `reboot` and `poweroff` work.

use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::io::Errno;

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Look for children that ended.
    Reap,
    /// Go down and come back.
    Reboot,
    /// Go down.
    PowerOff,
    /// Nothing.
    Ignore,
}

/// The signal descriptor.
pub(super) struct Signals(SignalFd);

impl Signals {
    /// Blocks every signal and opens the descriptor.
    ///
    /// # Errors
    /// Descriptors ran out.
    pub(super) fn open() -> Result<Self, Errno> {
        let all = SigSet::all();
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        all.thread_block()
            .and_then(|()| SignalFd::with_flags(&all, flags))
            .map(Self)
            .map_err(|errno| Errno::from_raw_os_error(errno as i32))
    }

    /// The next signal that arrived.
    pub(super) fn next(&self) -> Option<Asked> {
        let info = self.0.read_signal().ok().flatten()?;
        let signal = i32::try_from(info.ssi_signo)
            .ok()
            .and_then(|number| Signal::try_from(number).ok());
        Some(match signal {
            Some(Signal::SIGCHLD) => Asked::Reap,
            Some(Signal::SIGINT | Signal::SIGTERM) => Asked::Reboot,
            Some(Signal::SIGUSR1 | Signal::SIGUSR2) => Asked::PowerOff,
            _ => Asked::Ignore,
        })
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
