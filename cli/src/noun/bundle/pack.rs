//! `limenctl bundle pack`

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use limen_bundle::manifest::Architecture;
use limen_bundle::{pack, sign};
use serde_json::json;

use super::password::Password;
use crate::failure::Failure;
use crate::output::Output;
use crate::quantity::show_bytes;

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
            .ok_or("write ARCHITECTURE=DIRECTORY, for example armv7=root-armv7/")?;
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
    /// The root file system
    root: PathBuf,
    /// The bundle file to write
    bundle: PathBuf,
    /// Architecture that ROOT is for
    #[arg(long, value_name = "NAME", default_value = "aarch64")]
    architecture: Architecture,
    /// A root for one more architecture (repeatable)
    #[arg(long, value_name = "NAME=DIRECTORY")]
    tree: Vec<Tree>,
    /// Sign it with this secret key
    #[arg(long, value_name = "FILE")]
    sign: Option<PathBuf>,
    #[command(flatten)]
    password: Password,
}

impl Pack {
    pub(super) fn run(&self, output: Output) -> Result<(), Failure> {
        let draft = std::fs::read(&self.manifest);
        let draft = draft.map_err(|error| Failure::file(&self.manifest, error))?;
        // Before the work: a key that cannot be used is no reason to write a bundle.
        let key = self
            .sign
            .as_ref()
            .map(|path| self.password.key(path))
            .transpose()?;
        let mut trees: BTreeMap<Architecture, &Path> = BTreeMap::new();
        let first = (&self.architecture, &self.root);
        let more = self
            .tree
            .iter()
            .map(|tree| (&tree.architecture, &tree.root));
        for (architecture, root) in std::iter::once(first).chain(more) {
            if trees.insert(*architecture, root).is_some() {
                let rule =
                    format!("two directories for {architecture}; give one for each architecture");
                return Err(Failure::Usage(rule));
            }
        }
        let packed = self.write(&draft, &trees)?;
        if let Some(key) = &key {
            sign::sign_file(&self.bundle, key).map_err(|error| Failure::local(&error))?;
        }
        let manifest = &packed.manifest;
        let summary = json!({
            "name": manifest.name.as_str(),
            "version": manifest.version.to_string(),
            "provider": manifest.provider.as_str(),
            "digest": packed.digest.to_string(),
            "bytes": packed.length,
            "signed": key.is_some(),
        });
        output.result(&summary, || {
            let (name, version) = (&manifest.name, &manifest.version);
            let size = show_bytes(packed.length);
            let next = match key {
                Some(_) => "signed; next: limenctl bundle install",
                None => "not signed; next: limenctl bundle sign",
            };
            format!(
                "{}: {name} {version}, {size}, {next}",
                self.bundle.display()
            )
        });
        Ok(())
    }

    /// Writes beside the target and renames: a pack that fails leaves no half bundle.
    fn write(
        &self,
        draft: &[u8],
        trees: &BTreeMap<Architecture, &Path>,
    ) -> Result<pack::Packed, Failure> {
        let failed = |error| Failure::file(&self.bundle, error);
        let mut part = self.bundle.clone().into_os_string();
        part.push(".part");
        let part = PathBuf::from(part);
        let mut file = BufWriter::new(File::create(&part).map_err(failed)?);
        let packed = pack::pack(draft, trees, &mut file).map_err(|error| Failure::local(&error));
        let finish = packed.and_then(|packed| {
            file.flush().map_err(failed)?;
            std::fs::rename(&part, &self.bundle).map_err(failed)?;
            Ok(packed)
        });
        if finish.is_err() {
            // What cannot be removed is a file with a telling name; the first error is what matters.
            let _ = std::fs::remove_file(&part);
        }
        finish
    }
}
