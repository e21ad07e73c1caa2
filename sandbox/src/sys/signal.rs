//! Signals: as a program expects them at its start, and waiting for them
//!
//! execve(2) keeps the mask and what is ignored. A supervisor blocks signals to read them from a
//! descriptor, and Rust's start-up ignores SIGPIPE: neither may reach a payload. What the supervisor
//! itself was started with it forgets once, at its own start, and not before each of its programs:
//! sixty system calls are a tenth of one's start.

use core::mem::MaybeUninit;
use core::ptr;

/// Sets every signal to its default action: whoever started this process may have ignored some.
pub fn forget_inherited() {
    for number in 1..=64 {
        // The numbers that libc keeps for itself, SIGKILL and SIGSTOP are refused: nothing to do.
        set_default(number);
    }
}

/// Undoes what a Rust program does to its own signals, and blocks none. What has a handler loses it
/// by execve(2).
pub fn reset() {
    set_default(libc::SIGPIPE);
    let mut none = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigemptyset initialises the set that it is given; `none` has that type.
    unsafe { libc::sigemptyset(none.as_mut_ptr()) };
    // SAFETY: the set was initialised by sigemptyset; a null old set is allowed.
    unsafe { libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), ptr::null_mut()) };
}

fn set_default(number: i32) {
    // SAFETY: SIG_DFL installs no code, so no handler can run in a wrong context.
    unsafe { libc::signal(number, libc::SIG_DFL) };
}

/// A set of signals that are blocked, so that they can be waited for.
pub struct Blocked(libc::sigset_t);

/// Blocks two signals in this thread, and in those that it makes.
pub fn block(signals: [i32; 2]) -> Blocked {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigemptyset initialises the set that it is given; `set` has that type.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    for signal in signals {
        // SAFETY: the set was initialised by sigemptyset; a number that is no signal is refused.
        unsafe { libc::sigaddset(set.as_mut_ptr(), signal) };
    }
    // SAFETY: sigemptyset initialised it.
    let set = unsafe { set.assume_init() };
    // SAFETY: `set` is initialised; a null old set is allowed.
    unsafe { libc::sigprocmask(libc::SIG_BLOCK, &raw const set, ptr::null_mut()) };
    Blocked(set)
}

impl Blocked {
    /// Waits for one of them and takes it. `None` when the wait was cut short.
    pub fn wait(&self) -> Option<i32> {
        // SAFETY: the set is initialised; null for the details of the signal is allowed.
        let signal = unsafe { libc::sigwaitinfo(&raw const self.0, ptr::null_mut()) };
        (signal > 0).then_some(signal)
    }
}
