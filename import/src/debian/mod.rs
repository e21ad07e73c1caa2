//! Debian packages from the disk, merged into one tree
//!
//! A package is an `ar` archive of `debian-binary`, `control.tar.*` and `data.tar.*` (deb(5)). The tree is laid out as an installed
//! system is, with `/bin`, `/sbin` and `/lib` as links into `/usr`. Maintainer scripts are not run: what they would
//! have made (users, caches, alternatives) is the developer's to add.
//!
//! A package is not proved here: `apt-get download` proves it by the archive's signatures as it fetches.

mod control;

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use limen_bundle::manifest::Architecture;
use limen_bundle::path::EntryPath;
use tar::Archive;

use crate::compression;
use crate::layer::{self, Kind, LayerError, Spent};
use crate::notes::Notes;
use crate::tree::{Node, Tree};

/// Scripts that `dpkg` would run.
const SCRIPTS: [&str; 4] = ["preinst", "postinst", "prerm", "postrm"];
/// Largest control file, bytes.
const CONTROL_BYTES: u64 = 1024 * 1024;

/// Packages, merged.
#[derive(Debug)]
pub struct Packages {
    /// Their files.
    pub tree: Tree,
    /// What they are, in the order in which they were given.
    pub packages: Vec<Package>,
    /// What was left out.
    pub notes: Notes,
}

/// What a package says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Debian's name of its architecture, or `all`.
    pub architecture: String,
    /// What it needs, as written.
    pub depends: String,
}

/// Why packages were refused.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// Not there, or not readable.
    #[error("{path} cannot be read: {source}")]
    Read {
        /// What.
        path: PathBuf,
        /// The reason.
        #[source]
        source: io::Error,
    },
    /// Not a package.
    #[error("{path} is no Debian package: {why}")]
    NotOne {
        /// What.
        path: PathBuf,
        /// What it lacks.
        why: &'static str,
    },
    /// Of another architecture.
    #[error(
        "{path} is for {package}, not for {wanted}; download it with: apt-get download {name}:{debian}"
    )]
    Architecture {
        /// What.
        path: PathBuf,
        /// The package's name.
        name: String,
        /// What it is for.
        package: String,
        /// What is asked for.
        wanted: Architecture,
        /// The same in Debian's words.
        debian: &'static str,
    },
    /// Its files.
    #[error("{path}: {source}")]
    Data {
        /// What.
        path: PathBuf,
        /// Why.
        #[source]
        source: LayerError,
    },
    /// The directory for temporary files.
    #[error("no room for temporary files; set TMPDIR to a directory with more")]
    Temporary(#[source] io::Error),
}

/// Debian's name of an architecture.
fn debian(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::Aarch64 => "arm64",
        Architecture::Armv7 => "armhf",
        Architecture::X86_64 => "amd64",
    }
}

impl Packages {
    /// Reads the packages at `paths`, each above the one before it.
    ///
    /// # Errors
    /// What is wrong and what to do about it.
    pub fn read(paths: &[PathBuf], architecture: Architecture) -> Result<Self, PackageError> {
        let mut merged = Self {
            tree: Tree::new().map_err(PackageError::Temporary)?,
            packages: Vec::new(),
            notes: Notes::default(),
        };
        let mut spent = Spent::default();
        for path in paths {
            merged.add(path, architecture, &mut spent)?;
        }
        merged.link_into_usr();
        Ok(merged)
    }

    fn add(
        &mut self,
        path: &Path,
        wanted: Architecture,
        spent: &mut Spent,
    ) -> Result<(), PackageError> {
        let read = |source| PackageError::Read {
            path: path.to_owned(),
            source,
        };
        let not_one = |why| PackageError::NotOne {
            path: path.to_owned(),
            why,
        };
        let mut members = ar::Archive::new(BufReader::new(File::open(path).map_err(read)?));
        let mut package = None;
        while let Some(member) = members.next_entry() {
            let member = member.map_err(|_| not_one("it is not an archive of deb(5)"))?;
            let name = String::from_utf8_lossy(member.header().identifier()).into_owned();
            let decoded = compression::decoded(BufReader::new(member)).map_err(read)?;
            if name.starts_with("control.tar") {
                package = Some(self.control(decoded, path)?);
            } else if name.starts_with("data.tar") {
                let package =
                    package.ok_or_else(|| not_one("its data comes before its control file"))?;
                self.check(path, wanted, &package)?;
                self.packages.push(package);
                let (tree, notes) = (&mut self.tree, &mut self.notes);
                let applied = layer::apply(decoded, Kind::Package, tree, spent, notes);
                return applied.map_err(|source| PackageError::Data {
                    path: path.to_owned(),
                    source,
                });
            }
        }
        Err(not_one("it has no data.tar"))
    }

    fn control(&mut self, from: impl Read, path: &Path) -> Result<Package, PackageError> {
        let read = |source| PackageError::Read {
            path: path.to_owned(),
            source,
        };
        let not_one = |why| PackageError::NotOne {
            path: path.to_owned(),
            why,
        };
        let mut package = None;
        for entry in Archive::new(from).entries().map_err(read)? {
            let entry = entry.map_err(read)?;
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let name = name.trim_start_matches("./");
            if name == "control" {
                let mut text = String::new();
                entry
                    .take(CONTROL_BYTES)
                    .read_to_string(&mut text)
                    .map_err(read)?;
                package = control::parse(&text);
            } else if SCRIPTS.contains(&name) {
                let file = path.file_name().unwrap_or_default().to_string_lossy();
                self.notes.scripts.add(&format!("{name} of {file}"));
            }
        }
        package.ok_or_else(|| not_one("its control file names no package, version or architecture"))
    }

    fn check(
        &self,
        path: &Path,
        wanted: Architecture,
        package: &Package,
    ) -> Result<(), PackageError> {
        let debian = debian(wanted);
        if package.architecture == debian || package.architecture == "all" {
            return Ok(());
        }
        Err(PackageError::Architecture {
            path: path.to_owned(),
            name: package.name.clone(),
            package: package.architecture.clone(),
            wanted,
            debian,
        })
    }

    /// The links of a merged `/usr`, where the packages brought what they lead to.
    fn link_into_usr(&mut self) {
        for name in layer::MERGED {
            let target = format!("usr/{name}");
            let Ok(path) = EntryPath::new(name.as_bytes()) else {
                continue;
            };
            if self.tree.get(&target).is_some() {
                // Packages' files never lie at these names, so nothing is in the way.
                let _ = self.tree.place(&path, Node::Link(target));
            }
        }
    }
}
