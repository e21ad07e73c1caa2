//! clone3(2): a new process, born in its cgroup and its namespaces
//!
//! Process semantics only: the child has a copy of everything, as after fork(2). Sharing memory
//! (CLONE_VM) would save the copy of a small address space and cost a stack and an assembly
//! trampoline on three architectures.

use core::convert::Infallible;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use rustix::io::Errno;
use rustix::process::Pid;

use super::{checked, exit};

/// Namespaces, as clone3(2), unshare(2) and setns(2) number them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Namespaces(u64);

impl Namespaces {
    /// None.
    pub const NONE: Self = Self(0);
    /// Mounts.
    pub const MOUNT: Self = Self(libc::CLONE_NEWNS as u64);
    /// Process numbers.
    pub const PID: Self = Self(libc::CLONE_NEWPID as u64);
    /// Network.
    pub const NETWORK: Self = Self(libc::CLONE_NEWNET as u64);
    /// System V and POSIX message queues and semaphores.
    pub const IPC: Self = Self(libc::CLONE_NEWIPC as u64);
    /// Host name.
    pub const HOST: Self = Self(libc::CLONE_NEWUTS as u64);
    /// View of the cgroup tree.
    pub const CGROUP: Self = Self(libc::CLONE_NEWCGROUP as u64);
    /// Users and capabilities.
    pub const USER: Self = Self(libc::CLONE_NEWUSER as u64);

    /// These and those.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The kernel's bits.
    pub const fn bits(self) -> u64 {
        self.0
    }
}

/// Whose child the new process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parent {
    /// The caller's; the caller gets SIGCHLD.
    Caller,
    /// The caller's own parent's. It gets no signal until the child has executed a program, and
    /// must wait with `__WALL`: CLONE_PARENT is refused with an exit signal (EINVAL).
    Grand,
}

/// A process and the descriptor that means it, whatever becomes of its number.
#[derive(Debug)]
pub struct Process {
    /// Its number, as the caller sees it.
    pub pid: Pid,
    /// Close-on-exec; readable when the process has ended.
    pub pidfd: OwnedFd,
}

/// `linux/sched.h`. The constant of libc 0.2 is an int and so 0.
const CLONE_INTO_CGROUP: u64 = 1 << 33;

/// `struct clone_args`, second version (Linux 5.7): the one that knows a cgroup.
#[repr(C, align(8))]
#[derive(Default)]
struct Arguments {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// Makes a process that runs `child` and returns it to the parent.
///
/// `child` must not lean on threads of the parent (they do not exist in it) and, where the parent
/// has several, must not allocate: a lock that another thread held stays held for ever. Both are
/// matters of liveness, not of memory safety. It ends by executing a program or by [`exit`]; were
/// it to unwind, the process is aborted.
///
/// # Errors
/// EAGAIN: `pids.max`. ENOMEM: no memory, or the pid namespace has lost its first process. EBUSY:
/// the cgroup is an inner node.
pub fn process(
    namespaces: Namespaces,
    cgroup: Option<BorrowedFd<'_>>,
    parent: Parent,
    child: impl FnOnce() -> Infallible,
) -> Result<Process, Errno> {
    let mut pidfd: RawFd = -1;
    let mut arguments = Arguments {
        flags: namespaces.bits() | libc::CLONE_PIDFD as u64,
        pidfd: (&raw mut pidfd) as u64,
        ..Arguments::default()
    };
    match parent {
        Parent::Caller => arguments.exit_signal = libc::SIGCHLD as u64,
        Parent::Grand => arguments.flags |= libc::CLONE_PARENT as u64,
    }
    if let Some(cgroup) = cgroup {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = u64::from(cgroup.as_raw_fd().unsigned_abs());
    }
    // SAFETY: `arguments` is the kernel's structure at the size given; its only pointer is to
    // `pidfd`, which outlives the call. Without CLONE_VM, CLONE_THREAD and CLONE_SETTLS (the flags
    // come from `Namespaces` and the constants above, so they are absent) the child has its own
    // copy of this stack and of all memory, and no state is shared that Rust relies on.
    let result = unsafe {
        libc::syscall(
            libc::SYS_clone3,
            &raw const arguments,
            size_of::<Arguments>(),
        )
    };
    let Some(pid) = Pid::from_raw(i32::try_from(checked(result)?).map_err(|_| Errno::RANGE)?)
    else {
        let _guard = AbortOnUnwind;
        #[allow(unreachable_code, reason = "the proof that it never returns")]
        match child() {}
    };
    // SAFETY: clone3 succeeded with CLONE_PIDFD, so the kernel stored a new descriptor there that
    // nothing else owns.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    Ok(Process { pid, pidfd })
}

/// Keeps a child from returning into the frames that it has copied from its parent.
struct AbortOnUnwind;

impl Drop for AbortOnUnwind {
    fn drop(&mut self) {
        exit(ABORTED)
    }
}

/// Exit status of a child that would have returned to its parent's code.
const ABORTED: u8 = 125;
