//! What a tree is packed from: a directory, one static program, or Debian packages

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use limen_bundle::manifest::{Architecture, Manifest};
use limen_import::Notes;
use limen_import::debian::Packages;
use limen_import::machine::Program;
use tempfile::TempDir;

use crate::failure::Failure;

const ELF: &[u8] = b"\x7fELF";
const AR: &[u8] = b"!<arch>\n";

/// A directory to be packed, for as long as it is wanted.
pub(super) enum Origin {
    Given(PathBuf),
    Made(TempDir, Notes),
}

impl Origin {
    /// What `roots` are, which is told by their first bytes.
    pub(super) fn of(
        roots: &[PathBuf],
        architecture: Architecture,
        manifest: &Manifest,
    ) -> Result<Self, Failure> {
        let [root] = roots else {
            return packages(roots, architecture);
        };
        if fs::metadata(root)
            .map_err(|error| Failure::file(root, error))?
            .is_dir()
        {
            return Ok(Self::Given(root.clone()));
        }
        match first_bytes(root)? {
            first if first.starts_with(ELF) => program(root, architecture, manifest),
            first if first.starts_with(AR) => packages(roots, architecture),
            _ => {
                let rule = "is neither a directory nor a program nor a Debian package";
                Err(Failure::file(root, rule))
            }
        }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Given(path) => path,
            Self::Made(directory, _) => directory.path(),
        }
    }

    /// What was left out on the way.
    pub(super) fn notes(&self) -> Notes {
        match self {
            Self::Given(_) => Notes::default(),
            Self::Made(_, notes) => notes.clone(),
        }
    }
}

fn first_bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut first = Vec::new();
    let file = fs::File::open(path).map_err(|error| Failure::file(path, error))?;
    let read = file.take(8).read_to_end(&mut first);
    read.map_err(|error| Failure::file(path, error))?;
    Ok(first)
}

pub(super) fn temporary() -> Result<TempDir, Failure> {
    let made = tempfile::tempdir();
    made.map_err(|error| Failure::Local(format!("no temporary directory: {error}; set TMPDIR")))
}

/// A tree of one file, where the manifest's command expects it.
fn program(
    file: &Path,
    architecture: Architecture,
    manifest: &Manifest,
) -> Result<Origin, Failure> {
    let bytes = fs::read(file).map_err(|error| Failure::file(file, error))?;
    let program = Program::parse(&bytes).map_err(|error| Failure::file(file, error))?;
    program
        .runs_alone(architecture)
        .map_err(|error| Failure::file(file, error))?;
    let directory = temporary()?;
    let command = manifest.run.command.first().map_or("", String::as_str);
    let to = directory.path().join(command.trim_start_matches('/'));
    let made = to
        .parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(&to, bytes))
        .and_then(|()| fs::set_permissions(&to, fs::Permissions::from_mode(0o755)));
    made.map_err(|error| Failure::file(&to, error))?;
    Ok(Origin::Made(directory, Notes::default()))
}

fn packages(files: &[PathBuf], architecture: Architecture) -> Result<Origin, Failure> {
    let packages = Packages::read(files, architecture).map_err(|error| Failure::local(&error))?;
    let directory = temporary()?;
    let extracted = packages.tree.extract(directory.path());
    extracted.map_err(|error| Failure::file(directory.path(), error))?;
    Ok(Origin::Made(directory, packages.notes))
}
