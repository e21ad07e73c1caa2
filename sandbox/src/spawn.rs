//! Starting a program in a cgroup
//!
//! What PID 1 needs of this crate, with [`reap`](crate::reap): no allocation, no waiting. The
//! child is born in its cgroup, so its memory is charged there from its first page, and no task
//! is ever moved between cgroups (which waits for the kernel 13 ms at a time).

use core::ffi::CStr;
use std::os::fd::BorrowedFd;

use limen_proto::state::Exit;
use rustix::io::Errno;

use crate::reap;
use crate::sys::clone::{self, Namespaces, Parent};
use crate::sys::execute::{self, Program, Words};
use crate::sys::exit;

pub use crate::sys::clone::Process as Child;

pub use crate::sys::signal::forget_inherited as forget_inherited_signals;

/// Exit status of a child whose program could not be executed.
pub const NOT_EXECUTED: u8 = 127;

/// Starts `program` (an open executable; O_PATH is enough) in `cgroup`, with exactly the
/// descriptors given: each pair is a source and the number that the program finds it at, 0 to 15.
/// Numbers 0 to 2 that are not given stay the caller's. No signal is blocked, and SIGPIPE is as the
/// kernel has it; other signals that the caller ignores stay ignored
/// ([`forget_inherited_signals`]).
///
/// The program runs in the caller's namespaces with the caller's identity. When it cannot be
/// executed the child ends with [`NOT_EXECUTED`]; that is not waited for.
///
/// # Errors
/// E2BIG: more than [`execute::WORDS`] words. EAGAIN: the cgroup's `pids.max`. EBUSY: the cgroup
/// has children with controllers.
pub fn spawn_into(
    cgroup: BorrowedFd<'_>,
    program: BorrowedFd<'_>,
    arguments: &[&CStr],
    environment: &[&CStr],
    descriptors: &[(BorrowedFd<'_>, i32)],
) -> Result<Child, Errno> {
    let arguments = Words::new(arguments.iter().copied())?;
    let environment = Words::new(environment.iter().copied())?;
    clone::process(Namespaces::NONE, Some(cgroup), Parent::Caller, || {
        execute::execute(
            Program::Open(program),
            &arguments,
            &environment,
            descriptors,
        );
        exit(NOT_EXECUTED)
    })
}

/// Whether a child that is born in `cgroup` lives.
///
/// Linux 6.12 kills it without a word when the caller's own cgroup and this one were killed a
/// different number of times. Waits for the child, so it belongs before the loop of PID 1, with a
/// fresh cgroup; `false` calls for moving oneself into a fresh cgroup first.
///
/// # Errors
/// As [`spawn_into`].
pub fn survives_in(cgroup: BorrowedFd<'_>) -> Result<bool, Errno> {
    let child = clone::process(Namespaces::NONE, Some(cgroup), Parent::Caller, || exit(0))?;
    Ok(reap::wait(&child.pidfd)? == Exit::Status(0))
}
