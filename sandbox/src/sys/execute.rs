//! execveat(2) with descriptors at known numbers
//!
//! Nothing is allocated: the child of a clone in PID 1 runs this.

use core::ffi::{CStr, c_char};
use core::ptr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::io::{Errno, fcntl_dupfd_cloexec};

use super::{checked, signal};

/// Most words of a command line, and of an environment.
pub const WORDS: usize = 64;
/// Most descriptors that a program is started with.
pub const PLACES: usize = 16;
/// First number of the copies from which the places are filled: above every place, and low enough
/// for a program that may hold few descriptors.
const ASIDE: i32 = 16;

/// What is executed.
#[derive(Debug, Clone, Copy)]
pub enum Program<'a> {
    /// An open executable: no name is resolved.
    Open(BorrowedFd<'a>),
    /// An absolute path, resolved in the caller's root.
    Path(&'a CStr),
}

/// A null-terminated array of words, as the kernel wants it.
#[derive(Debug)]
pub struct Words<'a>(heapless::Vec<Option<&'a CStr>, { WORDS + 1 }>);

impl<'a> Words<'a> {
    /// Collects words.
    ///
    /// # Errors
    /// E2BIG: more than [`WORDS`].
    pub fn new(words: impl IntoIterator<Item = &'a CStr>) -> Result<Self, Errno> {
        let mut list = heapless::Vec::new();
        for word in words {
            if list.len() == WORDS {
                return Err(Errno::TOOBIG);
            }
            list.push(Some(word)).map_err(|_| Errno::TOOBIG)?;
        }
        Ok(Self(list))
    }

    fn pointers(&self) -> [*const c_char; WORDS + 1] {
        let mut pointers = [ptr::null(); WORDS + 1];
        for (pointer, word) in pointers.iter_mut().zip(self.0.iter().flatten()) {
            *pointer = word.as_ptr();
        }
        pointers
    }
}

/// Marks every descriptor from `first` on as close-on-exec.
///
/// # Errors
/// ENOSYS, EINVAL: a kernel older than 5.11.
pub fn close_from(first: u32) -> Result<(), Errno> {
    const LAST: u32 = u32::MAX;
    const CLOSE_RANGE_CLOEXEC: u32 = 1 << 2;
    // SAFETY: only the close-on-exec flag changes, no descriptor becomes invalid.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, LAST, CLOSE_RANGE_CLOEXEC) };
    checked(result).map(drop)
}

/// Resets signals, puts the descriptors at their numbers and executes the program, with all other
/// descriptors from 3 on closed. Returns only when something failed.
///
/// Whatever lies at the numbers before is replaced, so it is the last thing that a process does:
/// after a failure it may report through a descriptor of a number of 16 or more, and end.
pub fn execute(
    program: Program<'_>,
    arguments: &Words<'_>,
    environment: &Words<'_>,
    places: &[(BorrowedFd<'_>, i32)],
) -> Errno {
    match prepare_and_execute(program, arguments, environment, places) {
        Ok(()) => Errno::NOEXEC,
        Err(errno) => errno,
    }
}

fn prepare_and_execute(
    program: Program<'_>,
    arguments: &Words<'_>,
    environment: &Words<'_>,
    places: &[(BorrowedFd<'_>, i32)],
) -> Result<(), Errno> {
    signal::reset();
    close_from(3)?;
    // All sources first go aside: a source may lie at the number of another one's place.
    let program = match program {
        Program::Open(file) => Ok(fcntl_dupfd_cloexec(file, ASIDE)?),
        Program::Path(path) => Err(path),
    };
    let mut aside = heapless::Vec::<(OwnedFd, i32), PLACES>::new();
    for &(source, number) in places {
        let copy = fcntl_dupfd_cloexec(source, ASIDE)?;
        aside.push((copy, number)).map_err(|_| Errno::MFILE)?;
    }
    for (copy, number) in &aside {
        place(copy.as_fd(), *number)?;
    }
    let (directory, path, flags) = match &program {
        Ok(file) => (file.as_raw_fd(), c"", libc::AT_EMPTY_PATH),
        Err(path) => (libc::AT_FDCWD, *path, 0),
    };
    let arguments = arguments.pointers();
    let environment = environment.pointers();
    // SAFETY: `path` and every word are C strings that the borrows keep alive, both arrays end
    // with a null pointer (one longer than `Words` can be), and execveat either replaces the
    // process or changes nothing.
    let result = unsafe {
        libc::syscall(
            libc::SYS_execveat,
            directory,
            path.as_ptr(),
            arguments.as_ptr(),
            environment.as_ptr(),
            flags,
        )
    };
    checked(result).map(drop)
}

fn place(source: BorrowedFd<'_>, number: i32) -> Result<(), Errno> {
    if !(0..ASIDE).contains(&number) {
        return Err(Errno::BADF);
    }
    // SAFETY: a descriptor that something else in this process owns may be replaced. `execute`
    // says that the process does nothing afterwards but execute, or report and end; no owner of a
    // number below ASIDE is used again.
    let result = unsafe { libc::dup3(source.as_raw_fd(), number, 0) };
    checked(result.into()).map(drop)
}
