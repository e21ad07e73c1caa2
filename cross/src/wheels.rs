//! The linker and C compiler, from Python wheels in a private environment.
//!
//! zig comes as a wheel, so a pinned cross C compiler for every target needs no Debian package
//! and no root. `cross/wheels.txt` pins versions and digests; a copy of it inside the environment
//! marks it as complete, so an interrupted installation is repeated and a changed pin replaces
//! the whole environment. Debian's own Python refuses `pip install` outside of one (PEP 668).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The pinned wheels, in pip's requirements format.
const PINS: &str = include_str!("../wheels.txt");

/// Pythons to try. Debian's first: it is the one that `python3-venv` completes.
const PYTHONS: [&str; 2] = ["/usr/bin/python3", "python3"];

/// The environment cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum WheelsError {
    /// No Python could make a virtual environment.
    #[error("no python3 can make a virtual environment; `apt-get install python3-venv` ({output})")]
    NoPython {
        /// What the last one tried said.
        output: String,
    },
    /// pip failed.
    #[error(
        "pip cannot install the wheels of cross/wheels.txt; is the package index reachable? {output}"
    )]
    Pip {
        /// What pip said.
        output: String,
    },
    /// pip succeeded, and a program is missing all the same.
    #[error("{path} is missing after installation; remove target/tools/venv and try again")]
    Incomplete {
        /// What is missing.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("cannot write {path}: {source}")]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A complete environment: both programs are there, in the pinned versions.
#[derive(Clone, Debug)]
pub struct Wheels {
    root: PathBuf,
    zig: PathBuf,
}

impl Wheels {
    /// Opens the environment at `root`, if it is complete and current. Touches nothing.
    #[must_use]
    pub fn open(root: &Path) -> Option<Self> {
        let marker = fs::read_to_string(root.join(MARKER)).ok()?;
        let zig = find_zig(root)?;
        (marker == PINS && root.join(ZIGBUILD).exists()).then(|| Self {
            root: root.to_owned(),
            zig,
        })
    }

    /// Makes the environment at `root`, replacing what is there.
    ///
    /// # Errors
    /// When no Python can make one, or the wheels cannot be fetched.
    pub fn install(root: &Path) -> Result<Self, WheelsError> {
        let write = |path: &Path| {
            let path = path.to_owned();
            move |source| WheelsError::Write { path, source }
        };
        if root.exists() {
            fs::remove_dir_all(root).map_err(write(root))?;
        }
        make_environment(root)?;

        let pins = root.join("wheels.txt");
        fs::write(&pins, PINS).map_err(write(&pins))?;
        let mut pip = Command::new(root.join("bin/python3"));
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ])
        .args([
            "--no-deps",
            "--only-binary",
            ":all:",
            "--require-hashes",
            "-r",
        ])
        .arg(&pins);
        run(&mut pip).map_err(|output| WheelsError::Pip { output })?;

        // Last, so that the marker holds only when everything before it has.
        let marker = root.join(MARKER);
        fs::write(&marker, PINS).map_err(write(&marker))?;
        Self::open(root).ok_or_else(|| WheelsError::Incomplete {
            path: root.join(ZIGBUILD),
        })
    }

    /// The cargo-zigbuild program.
    #[must_use]
    pub fn zigbuild(&self) -> PathBuf {
        self.root.join(ZIGBUILD)
    }

    /// The zig program itself, not its Python wrapper: one process less per link.
    #[must_use]
    pub fn zig(&self) -> &Path {
        &self.zig
    }
}

const MARKER: &str = "complete";
const ZIGBUILD: &str = "bin/cargo-zigbuild";

/// `lib/python3.N/site-packages/ziglang/zig`, whatever N is.
fn find_zig(root: &Path) -> Option<PathBuf> {
    fs::read_dir(root.join("lib"))
        .ok()?
        .filter_map(Result::ok)
        .map(|entry| entry.path().join("site-packages/ziglang/zig"))
        .find(|path| path.exists())
}

fn make_environment(root: &Path) -> Result<(), WheelsError> {
    let mut output = String::new();
    for python in PYTHONS {
        match run(Command::new(python).args(["-m", "venv"]).arg(root)) {
            Ok(()) => return Ok(()),
            Err(refusal) => output = format!("{python}: {refusal}"),
        }
    }
    Err(WheelsError::NoPython { output })
}

/// Runs a command in silence; a failure is what it printed.
fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(String::from_utf8_lossy(&said).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> io::Result<tempfile::TempDir> {
        let root = tempfile::tempdir()?;
        let site = root.path().join("lib/python3.11/site-packages/ziglang");
        fs::create_dir_all(&site)?;
        fs::create_dir_all(root.path().join("bin"))?;
        fs::write(site.join("zig"), "")?;
        fs::write(root.path().join(ZIGBUILD), "")?;
        Ok(root)
    }

    #[test]
    fn an_interrupted_installation_does_not_open() -> io::Result<()> {
        let root = environment()?;
        assert!(Wheels::open(root.path()).is_none());
        Ok(())
    }

    #[test]
    fn other_pins_do_not_open() -> io::Result<()> {
        let root = environment()?;
        fs::write(root.path().join(MARKER), "ziglang==0.1")?;
        assert!(Wheels::open(root.path()).is_none());
        Ok(())
    }

    #[test]
    fn a_complete_environment_opens() -> io::Result<()> {
        let root = environment()?;
        fs::write(root.path().join(MARKER), PINS)?;
        assert!(
            Wheels::open(root.path()).is_some_and(|wheels| wheels.zig().ends_with("ziglang/zig"))
        );
        Ok(())
    }
}
