//! Taking the exit status of children
//!
//! Children may have been made by limen-jail with `CLONE_PARENT` and no exit signal, so every wait
//! here uses `__WALL`; without it the kernel denies that they exist.

use std::os::fd::{AsFd, BorrowedFd};
use std::process::ExitCode;

use limen_proto::state::Exit;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitOptions, waitid};

use crate::sys::signal;

/// `__WALL` of `linux/wait.h`: children of any kind.
const ALL_KINDS: u32 = 0x4000_0000;

/// The exit of the process that `pidfd` means, when it has ended. Never waits.
///
/// # Errors
/// ECHILD: it was reaped before, or is no child of the caller.
pub fn reap(pidfd: BorrowedFd<'_>) -> Result<Option<Exit>, Errno> {
    exit_of(pidfd, WaitIdOptions::NOHANG)
}

/// Any child that has ended, whatever its process group: orphans that PID 1 inherited, and children
/// whose pidfd nobody has. Never waits; `None` when there is none.
///
/// # Errors
/// None but those of a kernel without wait4.
pub fn reap_any() -> Result<Option<(Pid, Exit)>, Errno> {
    let options = WaitOptions::NOHANG | WaitOptions::from_bits_retain(ALL_KINDS);
    match rustix::io::retry_on_intr(|| rustix::process::wait(options)) {
        Ok(Some((pid, status))) => {
            let exit = match (status.exit_status(), status.terminating_signal()) {
                (_, Some(signal)) => Exit::Signal(low_byte(signal)),
                (code, None) => Exit::Status(low_byte(code.unwrap_or_default())),
            };
            Ok(Some((pid, exit)))
        }
        Ok(None) | Err(Errno::CHILD) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// Reaps whatever ends until SIGTERM arrives: the whole of limen-reaper.
pub fn until_told() -> ExitCode {
    // Blocked signals are kept for the first process of a pid namespace; others would be dropped.
    let signals = signal::block([Signal::CHILD.as_raw(), Signal::TERM.as_raw()]);
    loop {
        // Several ends may hide behind one SIGCHLD, also those before the signal was blocked.
        while let Ok(Some(_)) = reap_any() {}
        if signals.wait() == Some(Signal::TERM.as_raw()) {
            return ExitCode::SUCCESS;
        }
    }
}

/// Waits for the end of a child. Not for PID 1's loop.
pub(crate) fn wait(pidfd: impl AsFd) -> Result<Exit, Errno> {
    exit_of(pidfd.as_fd(), WaitIdOptions::empty())?.ok_or(Errno::CHILD)
}

fn exit_of(pidfd: BorrowedFd<'_>, patience: WaitIdOptions) -> Result<Option<Exit>, Errno> {
    let options = WaitIdOptions::EXITED | patience | WaitIdOptions::from_bits_retain(ALL_KINDS);
    let status = rustix::io::retry_on_intr(|| waitid(WaitId::PidFd(pidfd), options))?;
    Ok(status.map(|status| match status.terminating_signal() {
        Some(signal) => Exit::Signal(low_byte(signal)),
        None => Exit::Status(low_byte(status.exit_status().unwrap_or_default())),
    }))
}

/// Statuses and signal numbers have eight bits in the kernel already.
fn low_byte(number: i32) -> u8 {
    number.to_le_bytes()[0]
}
