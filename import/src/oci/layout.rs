//! The OCI layout: from `index.json` down to one image

use oci_spec::image::{Descriptor, ImageConfiguration, ImageIndex, ImageManifest, MediaType};
use serde::Deserialize;

use super::error::ImageError;
use super::source::Source;
use super::{Found, Layer, TEXT_BYTES, Wanted, blob, choice};

/// How deep indexes may lie in each other.
const DEPTH: usize = 4;

const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_LAYERS: [&str; 2] = [
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "application/vnd.docker.image.rootfs.diff.tar",
];

/// `oci-layout`.
#[derive(Deserialize)]
struct Layout {
    #[serde(rename = "imageLayoutVersion")]
    version: String,
}

/// The image that is wanted; none if this is no OCI layout.
pub(super) fn find(source: &Source, wanted: Wanted<'_>) -> Result<Option<Found>, ImageError> {
    let Some(text) = source.text("oci-layout", TEXT_BYTES)? else {
        return Ok(None);
    };
    let layout: Layout = blob::parse("oci-layout", &text)?;
    if layout.version != "1.0.0" {
        return Err(ImageError::LayoutVersion(layout.version));
    }
    let text = source.text("index.json", TEXT_BYTES)?;
    let text = text.ok_or_else(|| ImageError::Missing("index.json".to_owned()))?;
    let mut index: ImageIndex = blob::parse("index.json", &text)?;
    for depth in 0..DEPTH {
        let chosen = choice::choose(index.manifests(), wanted, depth == 0)?.clone();
        if !is_index(chosen.media_type()) {
            return image(source, &chosen).map(Some);
        }
        index = blob::document(source, &chosen)?;
    }
    Err(ImageError::Deep)
}

fn is_index(kind: &MediaType) -> bool {
    *kind == MediaType::ImageIndex || kind.to_string() == DOCKER_INDEX
}

fn image(source: &Source, descriptor: &Descriptor) -> Result<Found, ImageError> {
    let manifest: ImageManifest = blob::document(source, descriptor)?;
    let configuration: ImageConfiguration = blob::document(source, manifest.config())?;
    let layers = manifest
        .layers()
        .iter()
        .map(|layer| self::layer(source, layer));
    Ok(Found {
        digest: descriptor.digest().to_string(),
        configuration,
        layers: layers.collect::<Result<_, _>>()?,
    })
}

fn layer(source: &Source, descriptor: &Descriptor) -> Result<Layer, ImageError> {
    let kind = descriptor.media_type();
    let known = matches!(
        kind,
        MediaType::ImageLayer | MediaType::ImageLayerGzip | MediaType::ImageLayerZstd
    );
    if !known && !DOCKER_LAYERS.contains(&kind.to_string().as_str()) {
        return Err(ImageError::LayerType(kind.to_string()));
    }
    Ok(Layer {
        name: descriptor.digest().to_string(),
        file: blob::file(source, descriptor)?,
    })
}
