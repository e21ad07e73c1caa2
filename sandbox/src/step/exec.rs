//! Executing the payload's program

use std::ffi::{CStr, CString};
use std::os::fd::BorrowedFd;

use limen_proto::jail::Step;
use limen_proto::words::Words;
use rustix::io::Errno;

use crate::fault::{At, Fault};
use crate::sys::execute::{self, Program, execute};

const STEP: Step = Step::Exec;

/// A command line and an environment, ready for the kernel. Made before the filter is installed,
/// so that executing is all that is left to fail.
#[derive(Debug)]
pub(crate) struct Command {
    arguments: Vec<CString>,
    environment: Vec<CString>,
}

impl Command {
    /// Takes the words of a task; `more` is added to the environment unless it is set there.
    pub(crate) fn new(
        command: &Words,
        environment: &Words,
        more: &[(&str, &str)],
    ) -> Result<Self, Fault> {
        let set = |name: &str| {
            environment
                .iter()
                .any(|word| word.split_once('=').is_some_and(|(known, _)| known == name))
        };
        let mut all: Vec<_> = environment.iter().map(str::to_owned).collect();
        for (name, value) in more {
            if !set(name) {
                all.push(format!("{name}={value}"));
            }
        }
        let words = |list: Vec<String>| list.into_iter().map(text).collect::<Result<Vec<_>, _>>();
        let arguments = words(command.iter().map(str::to_owned).collect())?;
        if arguments.is_empty() || arguments.len() > execute::WORDS || all.len() > execute::WORDS {
            let object = format!("{} words, {} variables", arguments.len(), all.len());
            return Err(Fault::new(STEP, "take", object, Errno::TOOBIG));
        }
        Ok(Self {
            arguments,
            environment: words(all)?,
        })
    }

    /// The program's path: the first word.
    pub(crate) fn program(&self) -> &CStr {
        self.arguments.first().map_or(c"", CString::as_c_str)
    }

    /// Executes the program by its path in the caller's root. Returns only the fault.
    pub(crate) fn run(&self, places: &[(BorrowedFd<'_>, i32)]) -> Fault {
        self.run_as(Program::Path(self.program()), places)
    }

    /// Executes what `program` says with this command line. Returns only the fault.
    pub(crate) fn run_as(&self, program: Program<'_>, places: &[(BorrowedFd<'_>, i32)]) -> Fault {
        match self.attempt(program, places) {
            Ok(never) => match never {},
            Err(fault) => fault,
        }
    }

    fn attempt(
        &self,
        program: Program<'_>,
        places: &[(BorrowedFd<'_>, i32)],
    ) -> Result<core::convert::Infallible, Fault> {
        let arguments = execute::Words::new(self.arguments.iter().map(CString::as_c_str));
        let environment = execute::Words::new(self.environment.iter().map(CString::as_c_str));
        let errno = execute(
            program,
            &arguments.at(STEP, "take", "the command line")?,
            &environment.at(STEP, "take", "the environment")?,
            places,
        );
        let name = self.program().to_string_lossy();
        Err(Fault::new(STEP, "execute", name, errno))
    }
}

fn text(word: String) -> Result<CString, Fault> {
    CString::new(word).map_err(|_| Fault::new(STEP, "take", "a word with NUL", Errno::INVAL))
}
