//! The only unsafe code of the project: system calls that no crate offers safely
//!
//! One unsafe call a block, owned types in and out. What rustix wraps is called through rustix
//! from the steps themselves and does not appear here. Every function returns the kernel's errno
//! and decides nothing.

#![allow(
    unsafe_code,
    reason = "the one home of unsafe: raw system calls behind owned types"
)]

pub mod clone;
pub mod execute;
#[cfg(feature = "jail")]
pub mod filter;
#[cfg(feature = "jail")]
pub mod halt;
#[cfg(feature = "jail")]
pub mod memory;
#[cfg(feature = "jail")]
pub mod mount;
#[cfg(feature = "jail")]
pub mod namespace;
#[cfg(feature = "jail")]
pub mod quota;
pub mod signal;

use rustix::io::Errno;

/// Closes what the parent left at a number, by who has a duplicate of it. Once, before anything else is
/// opened: a number that is free by then may be given to something that has an owner.
#[cfg(feature = "jail")]
pub fn close_inherited(number: std::os::fd::RawFd) {
    // SAFETY: the caller took a duplicate of this number, so it was open before this process opened
    // anything, and no owned type of this process holds it.
    let _ = unsafe { libc::close(number) };
}

/// The result of a call through libc, which returns -1 and leaves the reason in `errno`.
fn checked(result: libc::c_long) -> Result<libc::c_long, Errno> {
    if result == -1 {
        Err(std::io::Error::last_os_error()
            .raw_os_error()
            .map_or(Errno::IO, Errno::from_raw_os_error))
    } else {
        Ok(result)
    }
}

/// Ends the process without running anything of the parent's that is registered for its end.
pub fn exit(status: u8) -> ! {
    // SAFETY: _exit has no precondition: it touches no memory and does not return.
    unsafe { libc::_exit(libc::c_int::from(status)) }
}
