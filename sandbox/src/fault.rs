//! What failed: step, operation, object, errno
//!
//! Never matched on; printed for people and reduced to step and errno for init.

use core::fmt;

use limen_channel::ChannelError;
use limen_proto::jail::Step;
use rustix::io::Errno;

/// A step of a recipe that could not be done. Nothing was executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    step: Step,
    operation: &'static str,
    object: String,
    errno: Errno,
}

impl Fault {
    /// A fault of `step`: what was tried, on what, and the kernel's reason.
    pub(crate) fn new(
        step: Step,
        operation: &'static str,
        object: impl fmt::Display,
        errno: Errno,
    ) -> Self {
        Self {
            step,
            operation,
            object: object.to_string(),
            errno,
        }
    }

    /// The step.
    pub fn step(&self) -> Step {
        self.step
    }

    /// The kernel's reason.
    pub fn errno(&self) -> i32 {
        self.errno.raw_os_error()
    }

    fn remedy(&self) -> &'static str {
        match (self.step, self.errno) {
            (Step::Namespaces, Errno::SRCH | Errno::NOMEM) => {
                "; its virtual gateway is gone: start that first"
            }
            (Step::Cgroup, Errno::NOENT) => {
                "; is the controller enabled in cgroup.subtree_control and in the kernel?"
            }
            (Step::Mounts, Errno::ROFS) => "; the bundle must contain this directory",
            (Step::Mounts, Errno::LOOP) => "; a symbolic link is not followed here",
            (Step::Landlock, Errno::NOSYS | Errno::OPNOTSUPP) => {
                "; boot with Landlock in the kernel's lsm list"
            }
            (Step::Exec, Errno::NOENT) => {
                "; is the program in the bundle, and its interpreter or dynamic loader with it?"
            }
            (Step::Exec, Errno::ACCESS) => "; is it executable by everyone?",
            (Step::Exec, Errno::NOEXEC) => "; was it built for this machine?",
            _ => "",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            step,
            operation,
            object,
            errno,
        } = self;
        write!(
            out,
            "{step:?}: cannot {operation} {object}: {errno}{}",
            self.remedy()
        )
    }
}

impl core::error::Error for Fault {}

/// A fault in limen-jail, and whether it is still where it was.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It is, and can do the next task.
    InPlace(Fault),
    /// It could not return to its own namespaces, so whatever it did next would be done elsewhere.
    Astray(Fault),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::InPlace(fault)
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::InPlace(fault) | Failure::Astray(fault) => fault,
        }
    }
}

/// Turns the errors of system calls into faults.
pub(crate) trait At<T> {
    /// Names the step, what was tried and on what.
    fn at(self, step: Step, operation: &'static str, object: impl fmt::Display)
    -> Result<T, Fault>;
}

impl<T, E: Reason> At<T> for Result<T, E> {
    fn at(
        self,
        step: Step,
        operation: &'static str,
        object: impl fmt::Display,
    ) -> Result<T, Fault> {
        self.map_err(|error| Fault::new(step, operation, object, error.errno()))
    }
}

/// An error that has an errno behind it.
pub(crate) trait Reason {
    /// That errno; EIO where there is none.
    fn errno(&self) -> Errno;
}

impl Reason for Errno {
    fn errno(&self) -> Errno {
        *self
    }
}

impl Reason for std::io::Error {
    fn errno(&self) -> Errno {
        Errno::from_io_error(self).unwrap_or(Errno::IO)
    }
}

impl Reason for ChannelError {
    fn errno(&self) -> Errno {
        Errno::from_raw_os_error((*self).errno())
    }
}
