//! limen-reaper: the first process of a virtual gateway
//!
//! It holds the pid namespace (when it ends, the kernel kills everything in there), takes the exit
//! status of orphans, and ends when init says so with SIGTERM. The first process of a pid
//! namespace gets no signal from outside that it has not asked for, but SIGKILL; waiting with the
//! signals blocked is asking.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    limen_sandbox::reap::until_told()
}
