//! `limenctl bundle pack`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use limen_bundle::manifest::{Architecture, Manifest};

use super::origin::Origin;
use super::parcel::Parcel;
use crate::failure::Failure;
use crate::output::Output;

/// A directory for an architecture.
#[derive(Debug, Clone)]
struct Tree {
    architecture: Architecture,
    root: PathBuf,
}

impl std::str::FromStr for Tree {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (architecture, root) = text
            .split_once('=')
            .ok_or("write ARCHITECTURE=ROOT, for example armv7=root-armv7/")?;
        Ok(Self {
            architecture: architecture.parse().map_err(|error| format!("{error}"))?,
            root: root.into(),
        })
    }
}

/// A bundle to be made.
#[derive(Debug, Args)]
pub(crate) struct Pack {
    /// The manifest, TOML
    manifest: PathBuf,
    /// The root: a directory, one static program (put where run.command says), or a Debian package
    root: PathBuf,
    #[command(flatten)]
    parcel: Parcel,
    /// Architecture that ROOT is for
    #[arg(long, value_name = "NAME", default_value = "aarch64")]
    architecture: Architecture,
    /// A root for one more architecture (repeatable)
    #[arg(long, value_name = "NAME=ROOT")]
    tree: Vec<Tree>,
    /// One more Debian package, unpacked above ROOT, which is one too (repeatable)
    #[arg(long, value_name = "FILE", conflicts_with = "tree")]
    package: Vec<PathBuf>,
}

impl Pack {
    pub(super) fn run(&self, output: Output) -> Result<(), Failure> {
        let draft = std::fs::read(&self.manifest);
        let draft = draft.map_err(|error| Failure::file(&self.manifest, error))?;
        let manifest = Manifest::draft(&draft).map_err(|error| Failure::local(&error))?;
        let parcel = self.parcel.ready()?;
        let mut origins: BTreeMap<Architecture, Origin> = BTreeMap::new();
        for (architecture, roots) in self.roots() {
            let origin = Origin::of(&roots, architecture, &manifest)?;
            if origins.insert(architecture, origin).is_some() {
                let rule =
                    format!("two directories for {architecture}; give one for each architecture");
                return Err(Failure::Usage(rule));
            }
        }
        let trees: BTreeMap<Architecture, &Path> = origins
            .iter()
            .map(|(architecture, origin)| (*architecture, origin.path()))
            .collect();
        let notes: Vec<String> = origins
            .values()
            .flat_map(|origin| origin.notes().sentences())
            .collect();
        parcel.write(&draft, &trees)?.tell(output, &notes);
        Ok(())
    }

    /// What is given for each architecture, in the order in which it was given.
    fn roots(&self) -> Vec<(Architecture, Vec<PathBuf>)> {
        let first = [vec![self.root.clone()], self.package.clone()].concat();
        let more = self
            .tree
            .iter()
            .map(|tree| (tree.architecture, vec![tree.root.clone()]));
        std::iter::once((self.architecture, first))
            .chain(more)
            .collect()
    }
}
