//! Raw system calls: everything unsafe of this program
//!
//! [`call`] promises no memory safety by itself: callers pass numbers, null, or addresses of locals
//! that outlive the call and have the layout that the kernel documents for it.

use std::convert::Infallible;
use std::ffi::CStr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use anyhow::{Context as _, Result};

/// A system call by number; missing arguments are 0. `what` says in an error what it was for.
pub(crate) fn call(what: &'static str, number: libc::c_long, arguments: &[usize]) -> Result<usize> {
    let argument = |place: usize| arguments.get(place).copied().unwrap_or(0);
    // SAFETY: see the module: every pointer among the arguments is null or that of a live local in
    // the kernel's layout.
    let result = unsafe {
        libc::syscall(
            number,
            argument(0),
            argument(1),
            argument(2),
            argument(3),
            argument(4),
            argument(5),
        )
    };
    usize::try_from(result)
        .map_err(|_| std::io::Error::last_os_error())
        .context(what)
}

/// The same, for calls that return a descriptor.
pub(crate) fn open(
    what: &'static str,
    number: libc::c_long,
    arguments: &[usize],
) -> Result<OwnedFd> {
    let descriptor = RawFd::try_from(call(what, number, arguments)?)?;
    // SAFETY: the kernel just returned it, so nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// A descriptor's number, for [`call`].
pub(crate) fn number(descriptor: &impl AsRawFd) -> usize {
    usize::try_from(descriptor.as_raw_fd()).unwrap_or(usize::MAX)
}

/// The address of a C string, for [`call`].
pub(crate) fn text(text: &CStr) -> usize {
    text.as_ptr() as usize
}

/// The address of a local, for [`call`].
pub(crate) fn at<T: ?Sized>(local: &T) -> usize {
    std::ptr::from_ref(local).cast::<u8>() as usize
}

/// `AT_FDCWD`, for [`call`].
pub(crate) const HERE: usize = libc::AT_FDCWD as isize as usize;

/// Flags of a C header, for [`call`].
pub(crate) fn flags(flags: libc::c_int) -> usize {
    usize::try_from(flags).unwrap_or_default()
}

/// The monotonic clock, nanoseconds.
pub(crate) fn now() -> Result<u64> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a live local.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    anyhow::ensure!(result == 0, "no clock");
    Ok(u64::try_from(time.tv_sec)? * 1_000_000_000 + u64::try_from(time.tv_nsec)?)
}

/// A child.
pub(crate) struct Process {
    pid: usize,
    pidfd: OwnedFd,
}

/// `struct clone_args`, second version.
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

/// Makes a child in new namespaces, in a cgroup, that runs `child`; a failure ends it with status 1.
pub(crate) fn clone(
    namespaces: libc::c_int,
    cgroup: Option<&OwnedFd>,
    child: impl FnOnce() -> Result<Infallible>,
) -> Result<Process> {
    const INTO_CGROUP: u64 = 1 << 33;
    let mut pidfd: RawFd = -1;
    let mut arguments = Arguments {
        flags: flags(namespaces | libc::CLONE_PIDFD) as u64,
        pidfd: (&raw mut pidfd) as u64,
        exit_signal: flags(libc::SIGCHLD) as u64,
        ..Arguments::default()
    };
    if let Some(cgroup) = cgroup {
        arguments.flags |= INTO_CGROUP;
        arguments.cgroup = number(cgroup) as u64;
    }
    let size = size_of::<Arguments>();
    // Without CLONE_VM the child has its own copy of everything; this program has one thread.
    let pid = call("make a process", libc::SYS_clone3, &[at(&arguments), size])?;
    if pid == 0 {
        let Err(error) = child();
        eprintln!("floor: in the child: {error:#}");
        exit(1);
    }
    // SAFETY: clone3 succeeded with CLONE_PIDFD, so the kernel stored a new descriptor there.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    Ok(Process { pid, pidfd })
}

/// Ends a child without running what belongs to its parent.
pub(crate) fn exit(status: i32) -> ! {
    // SAFETY: _exit has no precondition: it touches no memory and does not return.
    unsafe { libc::_exit(status) }
}

impl Process {
    /// The descriptor that means it.
    pub(crate) fn pidfd(&self) -> &OwnedFd {
        &self.pidfd
    }

    /// Its number.
    pub(crate) fn number(&self) -> usize {
        self.pid
    }

    /// Kills it.
    pub(crate) fn kill(&self) -> Result<()> {
        let kill = flags(libc::SIGKILL);
        call(
            "kill",
            libc::SYS_pidfd_send_signal,
            &[number(&self.pidfd), kill],
        )
        .map(drop)
    }

    /// Waits for its end.
    pub(crate) fn wait(&self) -> Result<()> {
        call("wait", libc::SYS_wait4, &[self.pid]).map(drop)
    }
}
