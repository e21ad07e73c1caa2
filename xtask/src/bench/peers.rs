//! Programs of Debian's, and the floor, that are measured in the same guest.
//!
//! Unmodified, from the suite of the newest kernel, with the libraries that they need and nothing
//! else of their packages: they are laid over the root of the one image that is measured.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use limen_images::debian;

use super::{Subject, program};

const SUITE: &str = "trixie";
const ARCHITECTURE: &str = "arm64";

/// Packages that are taken with what they depend on.
const WHOLE: [&str; 3] = ["crun", "bubblewrap", "s6"];
/// Packages of which the programs need no more than the C library: the rest is for installing.
const ALONE: [&str; 1] = ["runit"];

/// What no measured program opens.
const PRUNE: [&str; 6] = [
    "etc",
    "usr/share",
    "usr/lib/aarch64-linux-gnu/gconv",
    "usr/lib/systemd",
    "usr/lib/runit",
    "usr/lib/runit-helper",
];

/// Makes the folder with all of them.
pub(super) fn tree(subject: &Subject<'_>) -> Result<PathBuf> {
    let fetcher = subject.builder.fetcher();
    let mut packages = fetcher.closure(SUITE, ARCHITECTURE, &WHOLE)?;
    packages.extend(fetcher.fetch(SUITE, ARCHITECTURE, &ALONE)?);
    let root = subject.folder.join("peers");
    remove(&root)?;
    for package in &packages {
        debian::unpack(package, &root)?;
    }
    for folder in PRUNE {
        remove(&root.join(folder))?;
    }
    let programs = root.join("usr/bin");
    fs::create_dir_all(&programs)
        .with_context(|| format!("cannot create {}", programs.display()))?;
    fs::copy(program(subject.programs, "floor")?, programs.join("floor"))
        .context("cannot copy the floor")?;
    // Where programs look for their dynamic linker; Debian's own base has this link.
    symlink("usr/lib", root.join("lib")).context("cannot link the peers' libraries")?;
    Ok(root)
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(())
}
