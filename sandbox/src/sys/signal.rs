//! Signals as a program expects them at its start
//!
//! execve(2) keeps the mask and what is ignored. A supervisor blocks signals to read them from a
//! descriptor, and Rust's start-up ignores SIGPIPE: neither may reach a payload.

use core::mem::MaybeUninit;
use core::ptr;

/// Sets every signal to its default action and blocks none.
pub fn reset() {
    for number in 1..=64 {
        // The numbers that libc keeps for itself, SIGKILL and SIGSTOP are refused: nothing to do.
        // SAFETY: SIG_DFL installs no code, so no handler can run in a wrong context.
        unsafe { libc::signal(number, libc::SIG_DFL) };
    }
    let mut none = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigemptyset initialises the set that it is given; `none` has that type.
    unsafe { libc::sigemptyset(none.as_mut_ptr()) };
    // SAFETY: the set was initialised by sigemptyset; a null old set is allowed.
    unsafe { libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), ptr::null_mut()) };
}
