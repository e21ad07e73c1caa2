//! Taking a descriptor that the parent left at a known number
//!
//! A number is a claim, not a possession, so the standard library turns one into an `OwnedFd` in
//! unsafe code only. pidfd_getfd(2) on oneself needs no claim: the kernel hands out a new
//! descriptor of the same file, or says that there is none.

use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

/// A close-on-exec duplicate of what this process was started with at `number`.
///
/// The number itself stays open until the process ends, so the peer of an inherited socket sees
/// the hang-up at that moment and not when the duplicate is dropped.
///
/// # Errors
/// EBADF: nothing was left there. EPERM: a system-call filter refuses pidfd_open or pidfd_getfd.
pub fn inherited(number: i32) -> Result<OwnedFd, Errno> {
    let own = pidfd_open(getpid(), PidfdFlags::empty())?;
    pidfd_getfd(own, number, PidfdGetfdFlags::empty())
}
