//! An OCI image from the disk: a layout directory, an archive of one, or what `docker save` writes
//!
//! Follows the OCI image specification 1.1 (image-layout.md, image-index.md, manifest.md, config.md, layer.md). Every blob is copied
//! and proved by size and digest before a byte of it is parsed; layers are proved a second time, decoded, by the
//! configuration's `diff_ids`. It reads and never fetches: `skopeo copy docker://NAME oci:DIRECTORY` does that.

mod blob;
mod choice;
mod docker;
mod error;
mod layout;
mod settings;
mod source;

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use limen_bundle::manifest::Architecture;
use oci_spec::image::{Digest, ImageConfiguration};

pub use error::ImageError;
pub use settings::{Port, Settings, Transport};

use crate::compression;
use crate::layer::{self, Kind, Spent};
use crate::notes::Notes;
use crate::tree::Tree;
use blob::Proof;
use source::Source;

/// Most layers of an image; storage drivers stop at 128.
const LAYERS: usize = 512;
/// Largest manifest, index or configuration, bytes (what registries take is 4 MiB).
pub(crate) const TEXT_BYTES: u64 = 4 * 1024 * 1024;

/// An image, merged.
#[derive(Debug)]
pub struct Image {
    /// Its files.
    pub tree: Tree,
    /// What it runs, and how.
    pub settings: Settings,
    /// Digest of its manifest (of its configuration, where a `docker save` has no manifest), as `sha256:…`.
    pub digest: String,
    /// What was left out.
    pub notes: Notes,
}

/// Which image of those in a layout.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Its name there: a tag, or `NAME:TAG` in a `docker save`. Needed if there are several.
    pub reference: Option<&'a str>,
    /// What it must run on.
    pub architecture: Architecture,
}

/// An image whose parts are known and proved, but not unpacked.
struct Found {
    digest: String,
    configuration: ImageConfiguration,
    layers: Vec<Layer>,
}

/// A layer's blob: a private copy, proved if the manifest had its digest.
struct Layer {
    name: String,
    file: File,
}

impl Image {
    /// Reads the image at `path`; `progress` hears of each layer, counted from 1, before it is unpacked.
    ///
    /// # Errors
    /// What is wrong and what to do about it.
    pub fn read(
        path: &Path,
        wanted: Wanted<'_>,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Self, ImageError> {
        let source = Source::open(path)?;
        let found = match layout::find(&source, wanted)? {
            Some(found) => found,
            None => docker::find(&source, wanted)?
                .ok_or_else(|| ImageError::NoImage(path.to_owned()))?,
        };
        found.merge(wanted.architecture, progress)
    }
}

impl Found {
    fn merge(
        self,
        architecture: Architecture,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Image, ImageError> {
        let built = (
            self.configuration.architecture(),
            self.configuration.variant().as_deref(),
        );
        if *self.configuration.os() != oci_spec::image::Os::Linux
            || choice::rank(architecture, built).is_none()
        {
            return Err(ImageError::Architecture {
                image: choice::describe(built.0, built.1),
                wanted: architecture,
            });
        }
        let proofs = self.configuration.rootfs().diff_ids();
        if proofs.len() != self.layers.len() {
            return Err(ImageError::LayerCount {
                layers: self.layers.len(),
                digests: proofs.len(),
            });
        }
        if proofs.len() > LAYERS {
            return Err(ImageError::TooManyLayers);
        }
        let mut tree = Tree::new().map_err(ImageError::Temporary)?;
        let (mut notes, mut spent) = (Notes::default(), Spent::default());
        let all = proofs.len();
        for (number, (layer, digest)) in (1..).zip(self.layers.into_iter().zip(proofs)) {
            progress(number, all);
            let digest: Digest = digest
                .parse()
                .map_err(|_| ImageError::Algorithm(digest.clone()))?;
            layer.apply(&digest, &mut tree, &mut spent, &mut notes)?;
        }
        let settings = Settings::of(&self.configuration, &tree)?;
        Ok(Image {
            tree,
            settings,
            digest: self.digest,
            notes,
        })
    }
}

impl Layer {
    fn apply(
        self,
        digest: &Digest,
        tree: &mut Tree,
        spent: &mut Spent,
        notes: &mut Notes,
    ) -> Result<(), ImageError> {
        let name = self.name;
        let unreadable = |source: io::Error| ImageError::Layer {
            layer: name.clone(),
            source: layer::LayerError::Damaged(source),
        };
        let decoded = compression::decoded(BufReader::new(self.file)).map_err(unreadable)?;
        let mut proof = Proof::new(decoded, digest)?;
        layer::apply(&mut proof, Kind::Layer, tree, spent, notes).map_err(|source| {
            ImageError::Layer {
                layer: name.clone(),
                source,
            }
        })?;
        // Behind the archive's end are zeros, which the digest covers too.
        let rest = io::copy(
            &mut (&mut proof).take(limen_bundle::limits::UNPACKED_BYTES),
            &mut io::sink(),
        );
        rest.map_err(unreadable)?;
        if proof.holds() {
            Ok(())
        } else {
            Err(ImageError::Digest {
                name,
                digest: digest.to_string(),
            })
        }
    }
}
