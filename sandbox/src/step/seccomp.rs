//! The system-call filter: the last wall, because the steps before need more calls

use limen_proto::jail::Step;
use rustix::io::Errno;

use crate::fault::{At, Fault};
use crate::filter::{Instruction, compile};
use crate::policy::{Class, machine, verdicts};
use crate::sys::filter;

/// A filter that is ready to be installed.
#[derive(Debug)]
pub(crate) struct Filter(Vec<Instruction>);

impl Filter {
    /// Compiles a class's policy for this machine; `memory_files` as in [`verdicts`].
    pub(crate) fn new(class: Class, memory_files: bool) -> Result<Self, Fault> {
        let machine = machine::own();
        compile(&verdicts(class, machine, memory_files), machine)
            .map(Self)
            .map_err(|error| Fault::new(Step::Seccomp, "compile", error, Errno::TOOBIG))
    }

    /// Puts the filter on this process and all its descendants.
    pub(crate) fn install(&self) -> Result<(), Fault> {
        filter::install(&self.0).at(Step::Seccomp, "install", "the system-call filter")
    }
}
