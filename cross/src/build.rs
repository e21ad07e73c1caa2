//! One cargo invocation that builds all the programs asked for.
//!
//! One, because every further invocation with other packages would unify features differently
//! and compile shared dependencies again. The output goes to the workspace's own target folder,
//! so that a person's `cargo zigbuild` and this find each other's work.

use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::compiler::Compiler;
use crate::outer::forget_outer_package;
use crate::program::Program;
use crate::target::Target;
use crate::wheels::Wheels;

/// The build did not yield every program.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// cargo-zigbuild cannot be started.
    #[error("cannot start {program}: {source}")]
    Start {
        /// Its path.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its output broke off.
    #[error("cannot read what cargo prints: {0}")]
    Read(io::Error),
    /// It failed; the compiler's own messages are on the terminal.
    #[error("the cross build for {0} failed; the compiler's messages are above")]
    Failed(Target),
    /// It succeeded and did not name this program.
    #[error("cargo built no program {0}; does its package still define it?")]
    Absent(&'static str),
}

/// Everything that one build needs.
#[derive(Debug)]
pub struct Build<'a> {
    /// The workspace's root folder.
    pub workspace: &'a Path,
    /// cargo's target folder.
    pub output: &'a Path,
    /// The machine to build for.
    pub target: Target,
    /// A compiler that was found for that machine.
    pub compiler: Compiler,
    /// Linker and C compiler.
    pub wheels: &'a Wheels,
}

/// A program and where it is.
#[derive(Clone, Debug)]
pub struct Built {
    /// Its entry in the table.
    pub program: &'static Program,
    /// The stripped, static executable.
    pub path: PathBuf,
}

/// The one kind of cargo's JSON messages that is read; its other kinds lack `executable`.
#[derive(Deserialize)]
struct Message {
    target: Option<MessageTarget>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct MessageTarget {
    name: String,
}

impl Build<'_> {
    /// Builds the programs; cargo's progress and diagnostics go to standard error.
    ///
    /// # Errors
    /// When cargo fails, or names no executable for one of them.
    pub fn run(
        &self,
        programs: impl IntoIterator<Item = &'static Program>,
    ) -> Result<Vec<Built>, BuildError> {
        let programs: Vec<_> = programs.into_iter().collect();
        let mut command = self.command(&programs);
        let mut cargo = command.spawn().map_err(|source| BuildError::Start {
            program: self.wheels.zigbuild(),
            source,
        })?;
        let mut executables = Vec::new();
        if let Some(output) = cargo.stdout.take() {
            for line in BufReader::new(output).lines() {
                executables.extend(executable(&line.map_err(BuildError::Read)?));
            }
        }
        if !cargo.wait().map_err(BuildError::Read)?.success() {
            return Err(BuildError::Failed(self.target));
        }
        programs
            .into_iter()
            .map(|program| {
                let path = executables.iter().find(|(name, _)| name == program.name);
                path.map(|(_, path)| Built {
                    program,
                    path: path.clone(),
                })
                .ok_or(BuildError::Absent(program.name))
            })
            .collect()
    }

    fn command(&self, programs: &[&'static Program]) -> Command {
        let mut command = Command::new(self.wheels.zigbuild());
        forget_outer_package(&mut command)
            .args(["zigbuild", "--release", "--target", self.target.triple()])
            .args([
                "--no-default-features",
                "--message-format",
                "json-render-diagnostics",
            ])
            .args(Compiler::ARGUMENTS);
        for program in programs {
            command
                .args(["--package", program.package])
                .args([program.kind.option(), program.name]);
            for feature in program.features {
                command.arg(format!("--features={}/{feature}", program.package));
            }
        }
        command
            .envs(self.compiler.environment())
            .env("CARGO_TARGET_DIR", self.output)
            .env("CARGO_ZIGBUILD_ZIG_PATH", self.wheels.zig())
            .env(
                "CARGO_ZIGBUILD_CACHE_DIR",
                self.output.join("tools/zigbuild"),
            )
            .current_dir(self.workspace)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        command
    }
}

/// Name and path, when the line announces an executable.
fn executable(line: &str) -> Option<(String, PathBuf)> {
    let message: Message = serde_json::from_str(line).ok()?;
    Some((message.target?.name, message.executable?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_artifact_with_an_executable_names_one() {
        let program = r#"{"reason":"compiler-artifact","target":{"name":"limen-init"},"executable":"/t/limen-init"}"#;
        let library =
            r#"{"reason":"compiler-artifact","target":{"name":"serde"},"executable":null}"#;
        let end = r#"{"reason":"build-finished","success":true}"#;
        assert_eq!(
            executable(program),
            Some(("limen-init".into(), "/t/limen-init".into()))
        );
        assert_eq!(executable(library), None);
        assert_eq!(executable(end), None);
    }
}
