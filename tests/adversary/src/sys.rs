//! Raw system calls, children, errno: everything unsafe of the attacker
//!
//! No memory safety is promised across [`call`] beyond what each attack argues: they pass null or
//! pointers to live locals, and run in children that are thrown away.

use std::ffi::{CString, OsStr};
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::attempt::Failure;

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It returned this.
    Status(u8),
    /// This signal killed it.
    Signal(i32),
}

/// The last errno of this thread.
pub(crate) fn last_errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// A system call by number; missing arguments are 0. The refusal is the attacked one.
pub(crate) fn call(number: libc::c_long, arguments: &[usize]) -> Result<usize, Failure> {
    let argument = |place: usize| arguments.get(place).copied().unwrap_or(0);
    // SAFETY: attacks pass null, or addresses of locals that outlive the call.
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
    usize::try_from(result).map_err(|_| Failure::Refused(last_errno()))
}

/// A C string; none of the attacks' texts holds a NUL.
pub(crate) fn text(text: impl AsRef<OsStr>) -> CString {
    CString::new(text.as_ref().as_bytes()).unwrap_or_default()
}

/// The address of a C string, for [`call`].
pub(crate) fn address(text: &CString) -> usize {
    text.as_ptr() as usize
}

/// Runs something in a child and waits for it.
pub(crate) fn in_child(child: impl FnOnce()) -> Result<Ended, i32> {
    let pid = spawn(child)?;
    wait(pid)
}

/// Starts something in a child that ends with status 0.
pub(crate) fn spawn(child: impl FnOnce()) -> Result<i32, i32> {
    // SAFETY: the program has one thread whenever it forks, so the child's state is whole.
    let pid = unsafe { libc::fork() };
    match pid {
        0 => {
            child();
            // SAFETY: ends the process without running what belongs to the parent.
            unsafe { libc::_exit(0) }
        }
        1.. => Ok(pid),
        _ => Err(last_errno()),
    }
}

/// Waits for a child.
pub(crate) fn wait(pid: i32) -> Result<Ended, i32> {
    let mut status = 0;
    // SAFETY: `status` is a live local.
    while unsafe { libc::waitpid(pid, &raw mut status, 0) } < 0 {
        match last_errno() {
            libc::EINTR => {}
            errno => return Err(errno),
        }
    }
    if libc::WIFSIGNALED(status) {
        return Ok(Ended::Signal(libc::WTERMSIG(status)));
    }
    let status = libc::WEXITSTATUS(status);
    Ok(Ended::Status(u8::try_from(status).unwrap_or(u8::MAX)))
}

/// Whether a child has ended; it is reaped then.
pub(crate) fn has_ended(pid: i32) -> bool {
    let mut status = 0;
    // SAFETY: `status` is a live local.
    let reaped = unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) };
    reaped != 0
}

/// Never returns.
pub(crate) fn wait_for_ever() {
    loop {
        std::thread::park();
    }
}

/// Makes a timer that goes off in a year, without a signal.
pub(crate) fn timer() -> Result<usize, i32> {
    // SAFETY: all zeroes is a value of this plain structure.
    let mut event: libc::sigevent = unsafe { std::mem::zeroed() };
    event.sigev_notify = libc::SIGEV_NONE;
    let mut timer = 0_i32;
    let arguments = [
        usize::try_from(libc::CLOCK_MONOTONIC).unwrap_or(0),
        (&raw const event) as usize,
        (&raw mut timer) as usize,
    ];
    match call(libc::SYS_timer_create, &arguments) {
        Ok(_) => Ok(usize::try_from(timer).unwrap_or(0)),
        Err(Failure::Refused(errno) | Failure::Setup(errno)) => Err(errno),
    }
}

/// Removes the first timers of this process.
pub(crate) fn remove_timers(count: usize) {
    for timer in 0..=count {
        let _ = call(libc::SYS_timer_delete, &[timer]);
    }
}

/// Locks one byte of a file for this process.
pub(crate) fn lock(file: &File, byte: i64) -> Result<(), i32> {
    // SAFETY: all zeroes is a value of this plain structure.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = i16::try_from(libc::F_WRLCK).unwrap_or(1);
    lock.l_start = byte;
    lock.l_len = 1;
    // SAFETY: `lock` is a live local, and the descriptor is the file's.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLK, &raw const lock) };
    (result == 0).then_some(()).ok_or_else(last_errno)
}

/// Kills a process.
pub(crate) fn kill(pid: i32) {
    // SAFETY: kill(2) touches no memory.
    unsafe { libc::kill(pid, libc::SIGKILL) };
}

/// A pipe, close-on-exec.
pub(crate) fn pipe() -> std::io::Result<(File, OwnedFd)> {
    let (reader, writer) = std::io::pipe()?;
    Ok((File::from(OwnedFd::from(reader)), OwnedFd::from(writer)))
}

/// Whether a file can be made in a folder.
pub(crate) fn is_writable(folder: &Path) -> bool {
    let probe = folder.join(".adversary-probe");
    let made = File::create(&probe).is_ok();
    made && std::fs::remove_file(&probe).is_ok()
}

/// A descriptor that a raw call returned.
pub(crate) fn own(descriptor: usize) -> Result<OwnedFd, Failure> {
    let number = i32::try_from(descriptor).map_err(|_| Failure::Setup(libc::EBADF))?;
    // SAFETY: the kernel just returned it to the caller, who has no other owner of it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// A descriptor's number, for [`call`].
pub(crate) fn number(descriptor: &impl AsRawFd) -> usize {
    usize::try_from(descriptor.as_raw_fd()).unwrap_or(usize::MAX)
}

/// The name of an errno, or its number.
pub(crate) fn errno_name(errno: i32) -> String {
    let name = match errno {
        libc::EPERM => "EPERM",
        libc::ENOENT => "ENOENT",
        libc::ESRCH => "ESRCH",
        libc::EIO => "EIO",
        libc::ENXIO => "ENXIO",
        libc::EBADF => "EBADF",
        libc::EAGAIN => "EAGAIN",
        libc::ENOMEM => "ENOMEM",
        libc::EACCES => "EACCES",
        libc::EFAULT => "EFAULT",
        libc::EEXIST => "EEXIST",
        libc::EXDEV => "EXDEV",
        libc::ENODEV => "ENODEV",
        libc::ENOTDIR => "ENOTDIR",
        libc::EISDIR => "EISDIR",
        libc::EINVAL => "EINVAL",
        libc::ENOTTY => "ENOTTY",
        libc::ETXTBSY => "ETXTBSY",
        libc::ENOSPC => "ENOSPC",
        libc::EROFS => "EROFS",
        libc::ELOOP => "ELOOP",
        libc::ENODATA => "ENODATA",
        libc::ENOSYS => "ENOSYS",
        libc::EOPNOTSUPP => "EOPNOTSUPP",
        libc::EAFNOSUPPORT => "EAFNOSUPPORT",
        libc::EPROTONOSUPPORT => "EPROTONOSUPPORT",
        libc::ESOCKTNOSUPPORT => "ESOCKTNOSUPPORT",
        libc::EADDRNOTAVAIL => "EADDRNOTAVAIL",
        libc::ENETUNREACH => "ENETUNREACH",
        libc::EHOSTUNREACH => "EHOSTUNREACH",
        libc::ETIMEDOUT => "ETIMEDOUT",
        libc::ECONNREFUSED => "ECONNREFUSED",
        libc::EDQUOT => "EDQUOT",
        libc::EMFILE => "EMFILE",
        libc::ETOOMANYREFS => "ETOOMANYREFS",
        other => return format!("errno-{other}"),
    };
    name.to_owned()
}
