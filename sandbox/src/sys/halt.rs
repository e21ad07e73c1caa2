//! A stop behind execve(2), before the first instruction of the new program
//!
//! A process that stops itself before is stopped before. But execve(2) closes descriptors, and of the end of a pipe
//! the kernel tells who owns the other end, by a signal of the owner's choice (F_SETSIG of fcntl(2)). A process that owns
//! the reading end of a pipe of its own, and chose SIGSTOP, sends that to itself when it has become another
//! program and has not returned to it yet. Nobody traces it, and no other process has to be in time.

use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::getpid;

use super::checked;

/// `asm-generic/fcntl.h`; not in libc 0.2 for every C library.
const F_SETSIG: libc::c_int = 10;

/// Arranges that this process is stopped behind its next execve(2). Another process must keep what is returned
/// until then: the end of a pipe that nobody holds the other end of is told to nobody.
///
/// # Errors
/// Descriptors or memory ran out.
pub fn at_execution() -> Result<OwnedFd, Errno> {
    let (reading, writing) = pipe_with(PipeFlags::CLOEXEC)?;
    let descriptor = reading.as_raw_fd();
    // SAFETY: the command takes a number and touches no memory of ours.
    let signal = unsafe { libc::fcntl(descriptor, F_SETSIG, libc::SIGSTOP) };
    checked(signal.into())?;
    let this = getpid().as_raw_nonzero().get();
    // SAFETY: the command takes a number and touches no memory of ours.
    let owner = unsafe { libc::fcntl(descriptor, libc::F_SETOWN, this) };
    checked(owner.into())?;
    rustix::fs::fcntl_setfl(&reading, OFlags::ASYNC)?;
    // Left to execve(2): closed here, also after an execution that failed, it would stop this process now.
    let _ = writing.into_raw_fd();
    Ok(reading)
}
