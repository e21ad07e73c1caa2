//! One attempt: in a process of its own, with three outcomes
//!
//! Blocked: the kernel refused with an errno that a wall gives, or killed the attempt for it.
//! Allowed: it worked, or was refused for a reason that only what is behind the wall can know.
//! Error: it could not be tried, which is never a pass.

use std::fmt;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;

use crate::sys::{self, Ended};
use crate::world::World;

/// Exit status of a copy of this program that was executed.
pub(crate) const EXECUTED_STATUS: u8 = 42;

/// Why an attempt did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The attacked call was refused with this errno.
    Refused(i32),
    /// Something before it failed.
    Setup(i32),
}

/// What an attempt does: `Ok` is success of the attacker.
pub(crate) type Outcome = Result<(), Failure>;

/// An attempt on one wall.
#[derive(Clone, Copy)]
pub(crate) struct Attack {
    /// Its number in the threat catalogue.
    pub(crate) id: &'static str,
    /// In a few words.
    pub(crate) what: &'static str,
    /// Refusals that a wall gives. Any other is an answer from behind it.
    pub(crate) walls: &'static [i32],
    /// Does it.
    pub(crate) attempt: fn(&World) -> Outcome,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Refused with this errno, or killed by this signal (negative).
    Blocked(i32),
    /// The wall is open. The errno, if any, came from behind it.
    Allowed(Option<i32>),
    /// It could not be tried.
    Error(i32),
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Blocked(signal @ ..0) => write!(out, "blocked signal-{}", -signal),
            Self::Blocked(errno) => write!(out, "blocked {}", sys::errno_name(errno)),
            Self::Allowed(None) => write!(out, "allowed"),
            Self::Allowed(Some(errno)) => {
                write!(out, "allowed answered-{}", sys::errno_name(errno))
            }
            Self::Error(errno) => write!(out, "error {}", sys::errno_name(errno)),
        }
    }
}

impl Attack {
    /// Tries it in a child.
    pub(crate) fn run(&self, world: &World) -> Verdict {
        let Ok((mut reader, writer)) = sys::pipe() else {
            return Verdict::Error(sys::last_errno());
        };
        let tried = sys::in_child(|| {
            let outcome = (self.attempt)(world);
            tell(writer.try_clone().ok(), outcome);
        });
        drop(writer);
        let mut said = [0; 5];
        // Nothing is said by a child that was killed, or that executed something else.
        let complete = reader.read_exact(&mut said).is_ok();
        match tried {
            Err(errno) => Verdict::Error(errno),
            Ok(Ended::Signal(signal)) => Verdict::Blocked(-signal),
            Ok(Ended::Status(status)) if status == EXECUTED_STATUS => Verdict::Allowed(None),
            Ok(Ended::Status(_)) if complete => self.judge(said),
            Ok(Ended::Status(status)) => Verdict::Error(i32::from(status)),
        }
    }

    fn judge(&self, [kind, errno @ ..]: [u8; 5]) -> Verdict {
        let errno = i32::from_le_bytes(errno);
        match kind {
            0 => Verdict::Allowed(None),
            1 if self.walls.contains(&errno) => Verdict::Blocked(errno),
            1 => Verdict::Allowed(Some(errno)),
            _ => Verdict::Error(errno),
        }
    }
}

fn tell(writer: Option<OwnedFd>, outcome: Outcome) {
    let (kind, errno) = match outcome {
        Ok(()) => (0u8, 0),
        Err(Failure::Refused(errno)) => (1, errno),
        Err(Failure::Setup(errno)) => (2, errno),
    };
    let [a, b, c, d] = i32::to_le_bytes(errno);
    if let Some(writer) = writer {
        // A child that cannot speak is counted as an error by its silence.
        let _ = File::from(writer).write_all(&[kind, a, b, c, d]);
    }
}

/// The errno of a refused standard-library call.
pub(crate) fn refused(error: &std::io::Error) -> Failure {
    Failure::Refused(error.raw_os_error().unwrap_or(libc::EIO))
}

/// The errno of a standard-library call that only prepares.
pub(crate) fn setup(error: &std::io::Error) -> Failure {
    Failure::Setup(error.raw_os_error().unwrap_or(libc::EIO))
}

/// Tries several of a kind: the first that succeeds, or is answered from behind the wall, decides.
pub(crate) fn each<T>(
    list: impl IntoIterator<Item = T>,
    walls: &[i32],
    mut attempt: impl FnMut(T) -> Outcome,
) -> Outcome {
    let mut last = Err(Failure::Setup(libc::ENODATA));
    for one in list {
        last = attempt(one);
        match last {
            Err(Failure::Refused(errno)) if walls.contains(&errno) => {}
            _ => return last,
        }
    }
    last
}
