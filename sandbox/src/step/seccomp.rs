//! The system-call filter: the last wall, because the steps before need more calls
//!
//! The filters are made when this program is built, from the lists in `policy`, each for one kind
//! of program.

use limen_proto::jail::Step;

use crate::fault::{At, Fault};
use crate::sys::filter::{self, Instruction};

/// A filter that can be installed.
#[derive(Debug)]
pub(crate) struct Filter(&'static [Instruction]);

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
