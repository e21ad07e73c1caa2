//! Which Rust compiler cross-compiles, and how it is told to.
//!
//! The standard library is compiled from its source, for size and without the printer of back
//! traces: that takes 200 KB off each program, and half a minute once. The source is rustup's `rust-src`
//! beside the compiler that cargo uses anyway (rustup is asked for it once, within a time limit); else
//! `rust-web-src` beside Debian's `rustc-web`. A compiled library of the target is deliberately not
//! used where there is one: a box has one size, whoever builds it.
//!
//! `-Zbuild-std` needs a nightly compiler or `RUSTC_BOOTSTRAP`; compiler and source are always of
//! one version, so nothing unstable is mixed. `link-self-contained=no` because Debian ships no musl
//! start files: zig brings them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::target::Target;

/// Where Debian's compiler is; never a rustup proxy.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

/// What `-Zbuild-std` reads, from `rust-web-src`.
const DEBIAN_LIBRARY: &str = "/usr/lib/rustlib/src/rust/library/std/Cargo.toml";

/// The compiler has no musl start files of its own; and a program that aborts on panic reads no table of
/// how to unwind, which musl targets have by default: a tenth of a program.
const RUSTC_FLAGS: &str = "-C link-self-contained=no -C force-unwind-tables=no";

/// The same for ring's and SQLite's C: zig writes such tables unless told.
const C_FLAGS: &str = "-fno-asynchronous-unwind-tables -fno-unwind-tables";

/// The workspace's `rust-version`: the oldest compiler that builds it.
const OLDEST: (u32, u32) = (1, 89);

/// The source is 3 MB; longer than this means that no download is to be had.
const RUSTUP_LIMIT: Duration = Duration::from_secs(120);

/// No compiler for the target.
#[derive(Debug, thiserror::Error)]
pub enum CompilerError {
    /// Neither rustup nor Debian has one.
    #[error(
        "no source of the standard library to build for {triple}; `rustup component add rust-src`, \
         or `apt-get install rustc-web rust-web-src`"
    )]
    Missing {
        /// The target's triple.
        triple: &'static str,
    },
    /// Debian's is there, and too old.
    #[error(
        "{DEBIAN_RUSTC} is {found}, and 1.89 or later is needed; `apt-get install rustc-web rust-web-src` \
         with Debian's security archive in the source list, or `rustup component add rust-src`"
    )]
    TooOld {
        /// Its version.
        found: String,
    },
}

/// A compiler that was found, with the source of its standard library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compiler {
    /// The one cargo uses.
    Installed,
    /// Debian's.
    Debian,
}

impl Compiler {
    /// Finds a compiler for `target`. `state` is a folder that remembers that rustup had none.
    ///
    /// # Errors
    /// When there is none, with the commands that would change that.
    pub fn find(target: Target, workspace: &Path, state: &Path) -> Result<Self, CompilerError> {
        if has_source(workspace) {
            return Ok(Self::Installed);
        }
        let refused = state.join("rustup-has-no-source");
        let debian = debian_version();
        let usable =
            debian.as_deref().is_some_and(new_enough) && Path::new(DEBIAN_LIBRARY).exists();
        // Asked again when there is nothing else, never when it would only delay.
        if (!usable || !refused.exists()) && rustup_add(workspace) {
            return Ok(Self::Installed);
        }
        // Best effort: without the note the next call asks rustup once more.
        let _ = fs::create_dir_all(state).and_then(|()| fs::write(&refused, ""));
        match debian {
            Some(_) if usable => Ok(Self::Debian),
            Some(found) if !new_enough(&found) => Err(CompilerError::TooOld { found }),
            _ => Err(CompilerError::Missing {
                triple: target.triple(),
            }),
        }
    }

    /// What a person reads about the choice.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Installed => "the installed toolchain, standard library from its source",
            Self::Debian => "Debian's rustc-web, standard library from rust-web-src",
        }
    }

    /// Environment variables for cargo.
    pub(crate) fn environment(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let other = match self {
            Self::Installed => None,
            Self::Debian => Some(("RUSTC", DEBIAN_RUSTC)),
        };
        let same = [
            ("RUSTC_BOOTSTRAP", "1"),
            ("RUSTFLAGS", RUSTC_FLAGS),
            ("TARGET_CFLAGS", C_FLAGS),
        ];
        other.into_iter().chain(same)
    }

    /// Arguments for cargo. Naming one feature leaves out the default ones: unwinding and back
    /// traces, which a program that aborts on panic cannot use.
    pub(crate) const ARGUMENTS: [&'static str; 2] = [
        "-Zbuild-std=std,panic_abort",
        "-Zbuild-std-features=optimize_for_size",
    ];
}

/// Whether cargo's own compiler has its standard library's source beside it.
fn has_source(workspace: &Path) -> bool {
    let mut rustc = Command::new("rustc");
    rustc
        .args(["--print", "sysroot"])
        .current_dir(workspace)
        .stderr(Stdio::null());
    let Ok(output) = rustc.output() else {
        return false;
    };
    let root = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    // Debian's rustc on the path is the same compiler as below; its version is checked there.
    root != Path::new("/usr")
        && root
            .join("lib/rustlib/src/rust/library/std/Cargo.toml")
            .exists()
}

/// Asks rustup for the source; false when there is no rustup, no network, or no end.
fn rustup_add(workspace: &Path) -> bool {
    let child = Command::new("rustup")
        .args(["component", "add", "rust-src"])
        .current_dir(workspace)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else { return false };
    let started = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.success() && has_source(workspace),
            Ok(None) if started.elapsed() < RUSTUP_LIMIT => {
                thread::sleep(Duration::from_millis(100))
            }
            Ok(None) | Err(_) => {
                // It may have ended since; either way it is not to be waited for any longer.
                let _ = child.kill();
                let _ = child.wait();
                return false;
            }
        }
    }
}

fn debian_version() -> Option<String> {
    let output = Command::new(DEBIAN_RUSTC).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.split_whitespace().nth(1).map(str::to_owned)
}

/// Whether `1.96.0` or the like is at least [`OLDEST`].
fn new_enough(version: &str) -> bool {
    let mut numbers = version
        .split('.')
        .map_while(|part| part.parse::<u32>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) => (major, minor) >= OLDEST,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bookworms_first_rustc_web_is_too_old_and_its_update_is_not() {
        assert!(!new_enough("1.85.0"));
        assert!(new_enough("1.89.0"));
        assert!(new_enough("1.96.0"));
        assert!(new_enough("2.0.0"));
        assert!(!new_enough("nonsense"));
    }

    #[test]
    fn the_oldest_compiler_is_the_workspaces_rust_version() {
        let manifest = include_str!("../../Cargo.toml");
        assert!(manifest.contains(&format!("rust-version = \"{}.{}\"", OLDEST.0, OLDEST.1)));
    }
}
