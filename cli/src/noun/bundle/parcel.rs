//! The bundle that a command makes: where it goes, and who signs it

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
use crate::output::{Output, clean};
use crate::quantity::show_bytes;

/// A bundle to be written.
#[derive(Debug, Args)]
pub(super) struct Parcel {
    /// The bundle file to write
    bundle: PathBuf,
    /// Sign it with this secret key
    #[arg(long, value_name = "FILE")]
    sign: Option<PathBuf>,
    #[command(flatten)]
    password: Password,
}

/// A parcel whose key has been read: a key that cannot be used is no reason to begin the work.
pub(super) struct Ready<'a> {
    bundle: &'a Path,
    key: Option<sign::SecretKey>,
}

/// A bundle that was written.
pub(super) struct Written<'a> {
    bundle: &'a Path,
    packed: pack::Packed,
    signed: bool,
}

impl Parcel {
    /// Reads the key.
    pub(super) fn ready(&self) -> Result<Ready<'_>, Failure> {
        let key = self.sign.as_ref().map(|path| self.password.key(path));
        Ok(Ready {
            bundle: &self.bundle,
            key: key.transpose()?,
        })
    }
}

impl<'a> Ready<'a> {
    /// Packs and signs.
    pub(super) fn write(
        self,
        draft: &[u8],
        trees: &BTreeMap<Architecture, &Path>,
    ) -> Result<Written<'a>, Failure> {
        let packed = write(self.bundle, draft, trees)?;
        if let Some(key) = &self.key {
            sign::sign_file(self.bundle, key).map_err(|error| Failure::local(&error))?;
        }
        Ok(Written {
            bundle: self.bundle,
            packed,
            signed: self.key.is_some(),
        })
    }
}

impl Written<'_> {
    /// Tells what was written, and what was left out on the way.
    pub(super) fn tell(&self, output: Output, notes: &[String]) {
        let manifest = &self.packed.manifest;
        let value = json!({
            "name": manifest.name.as_str(),
            "version": manifest.version.to_string(),
            "provider": manifest.provider.as_str(),
            "digest": self.packed.digest.to_string(),
            "bytes": self.packed.length,
            "signed": self.signed,
            "notes": notes,
        });
        output.result(&value, || {
            let (name, version) = (&manifest.name, &manifest.version);
            let size = show_bytes(self.packed.length);
            let next = if self.signed {
                "signed; next: limenctl bundle install"
            } else {
                "not signed; next: limenctl bundle sign"
            };
            let bundle = self.bundle.display();
            let notes: String = notes
                .iter()
                .map(|note| format!("note: {}\n", clean(note)))
                .collect();
            format!("{notes}{bundle}: {name} {version}, {size}, {next}")
        });
    }
}

/// Writes beside the target and renames: a pack that fails leaves no half bundle.
fn write(
    bundle: &Path,
    draft: &[u8],
    trees: &BTreeMap<Architecture, &Path>,
) -> Result<pack::Packed, Failure> {
    let failed = |error| Failure::file(bundle, error);
    let mut part = bundle.to_owned().into_os_string();
    part.push(".part");
    let part = PathBuf::from(part);
    let mut file = BufWriter::new(File::create(&part).map_err(failed)?);
    let packed = pack::pack(draft, trees, &mut file).map_err(|error| Failure::local(&error));
    let finish = packed.and_then(|packed| {
        file.flush().map_err(failed)?;
        std::fs::rename(&part, bundle).map_err(failed)?;
        Ok(packed)
    });
    if finish.is_err() {
        // What cannot be removed is a file with a telling name; the first error is what matters.
        let _ = std::fs::remove_file(&part);
    }
    finish
}
