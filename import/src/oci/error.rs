//! Why an image was refused

use std::io;
use std::path::PathBuf;

use limen_bundle::manifest::Architecture;

use crate::layer::LayerError;

/// What is wrong with an image, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// Not there, or not readable.
    #[error("{path} cannot be read")]
    Read {
        /// What.
        path: PathBuf,
        /// The reason.
        #[source]
        source: io::Error,
    },
    /// The directory for temporary files.
    #[error("no room for temporary files; set TMPDIR to a directory with more")]
    Temporary(#[source] io::Error),
    /// Neither kind of image.
    #[error(
        "{0} holds no image: neither an OCI layout nor what docker save writes; make one with: skopeo copy docker://NAME oci:DIRECTORY"
    )]
    NoImage(PathBuf),
    /// A layout of another version.
    #[error("image layout is of version {0}; 1.0.0 is read")]
    LayoutVersion(String),
    /// A part that is named and not there.
    #[error("image lacks {0}; copy it again with all of its parts")]
    Missing(String),
    /// A part in a form that no specification has.
    #[error("{what} is not what the specification has: {source}")]
    Malformed {
        /// Which part.
        what: String,
        /// Where.
        #[source]
        source: serde_json::Error,
    },
    /// A part that is not the one that was named.
    #[error("{name} is not the content of digest {digest}; copy the image again")]
    Digest {
        /// Which part.
        name: String,
        /// What it should be.
        digest: String,
    },
    /// A part of another size than named.
    #[error("{name} is {real} bytes, the image says {declared}; copy the image again")]
    Size {
        /// Which part.
        name: String,
        /// Its length in bytes.
        real: u64,
        /// What the image says.
        declared: u64,
    },
    /// A part that is not in the layout by design.
    #[error(
        "{0} is to be fetched from elsewhere, which is not done; copy the image with all of its layers"
    )]
    Elsewhere(String),
    /// A text part that is too long.
    #[error("{0} is longer than 4 MiB")]
    Long(String),
    /// A digest of an unknown kind.
    #[error("digest {0} is neither sha256 nor sha512 in its one spelling")]
    Algorithm(String),
    /// A layer that is not a tar archive, or encrypted.
    #[error("layer has media type {0}; layers are tar archives, plain or with gzip or zstd")]
    LayerType(String),
    /// Several images.
    #[error("there are several images: {0}; choose one with --reference")]
    Several(String),
    /// None of that name.
    #[error("there is no image {wanted}; there is {there}")]
    Reference {
        /// What was asked for.
        wanted: String,
        /// What there is.
        there: String,
    },
    /// Not for this architecture.
    #[error(
        "image is for {image}, not for {wanted}; fetch it for that platform (skopeo copy --override-os linux --override-arch …), or choose with --architecture"
    )]
    Architecture {
        /// What it is for.
        image: String,
        /// What is asked for.
        wanted: Architecture,
    },
    /// Indexes in indexes.
    #[error("image indexes lie in each other more than 4 deep")]
    Deep,
    /// Manifest and configuration disagree.
    #[error(
        "image has {layers} layers and {digests} digests of layers; it was not made by an honest tool"
    )]
    LayerCount {
        /// In the manifest.
        layers: usize,
        /// In the configuration.
        digests: usize,
    },
    /// More than any storage driver takes.
    #[error("image has more than 512 layers")]
    TooManyLayers,
    /// A layer.
    #[error("layer {layer}: {source}")]
    Layer {
        /// Its digest or name.
        layer: String,
        /// Why.
        #[source]
        source: LayerError,
    },
    /// A setting that cannot be carried over.
    #[error("image's {what} is {value:?}, which {why}")]
    Setting {
        /// Which.
        what: &'static str,
        /// As it stands there.
        value: String,
        /// The rule.
        why: &'static str,
    },
}
