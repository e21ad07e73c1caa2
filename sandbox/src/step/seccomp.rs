//! The system-call filter: the last wall, because the steps before need more calls
//!
//! The filters are made when this program is built, from the lists in `policy`: one for limen-jail, before it builds
//! its first unit, and within that one for each kind of program, which narrows what was inherited. Where the kernel itself can refuse new code (6.3 on) it is told to, besides.

use limen_proto::jail::Step;
use rustix::io::Errno;

use crate::fault::{At, Fault};
use crate::sys::filter::{self, Instruction};
use crate::sys::memory;

/// A filter that can be installed.
#[derive(Debug)]
pub(crate) struct Filter(&'static [Instruction]);

/// Forbids making code at run time. An older kernel leaves it to the filter.
pub(crate) fn refuse_new_code() -> Result<(), Fault> {
    match memory::refuse_new_code() {
        Ok(()) | Err(Errno::INVAL) => Ok(()),
        Err(errno) => Err(Fault::new(
            Step::Seccomp,
            "forbid",
            "new code in memory",
            errno,
        )),
    }
}

include!(concat!(env!("OUT_DIR"), "/filters.rs"));

impl Filter {
    /// The filter itself.
    #[cfg(test)]
    pub(crate) fn instructions(&self) -> &'static [Instruction] {
        self.0
    }

    /// Puts the filter on this process and all its descendants.
    pub(crate) fn install(&self) -> Result<(), Fault> {
        filter::install(self.0).at(Step::Seccomp, "install", "the system-call filter")
    }
}
