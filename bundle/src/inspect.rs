//! Looking at a bundle: everything it says, with every byte checked.
//!
//! For the author and for tools, on their own machine. The result serializes as it stands; what it shows of
//! trust is only what was asked with the keys given.

use std::io::Read;

use serde::Serialize;

use crate::chunk::Unpacker;
use crate::index::Kind;
use crate::manifest::Manifest;
use crate::reader::{BundleError, Sealed};
use crate::signature::PublicKey;

/// What a bundle is.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Inspection {
    /// Bundle name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Provider.
    pub provider: String,
    /// Anti-rollback counter.
    pub counter: u64,
    /// Description.
    pub description: String,
    /// The bundle's digest.
    pub digest: String,
    /// How it is signed.
    pub signature: Signed,
    /// Trees, in file order.
    pub architectures: Vec<InspectedTree>,
    /// The whole manifest, as signed.
    pub manifest: String,
}

/// What is known of a signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum Signed {
    /// There is none.
    Unsigned,
    /// There is one, and no key was given to check it with.
    Unchecked {
        /// The key that it names.
        key: String,
        /// Its trusted comment, which is unchecked too.
        comment: String,
    },
    /// One of the given keys made it.
    Verified {
        /// Which.
        key: String,
        /// Its trusted comment.
        comment: String,
    },
}

/// One tree.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct InspectedTree {
    /// Architecture.
    pub architecture: String,
    /// Whether this file carries it.
    pub present: bool,
    /// Entries.
    pub entries: u32,
    /// Bytes of its files.
    pub unpacked: u64,
    /// Its entries, if present.
    pub files: Vec<InspectedEntry>,
}

/// One entry.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct InspectedEntry {
    /// Path.
    pub path: String,
    /// Mode as `ls` would show it in octal.
    pub mode: String,
    /// Bytes, of a file.
    pub size: u64,
    /// Target, of a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

/// Reads a bundle to its end. With `keys`, it must be signed by one of them.
///
/// # Errors
/// The first thing that the box would refuse too, except for a missing or foreign signature where no
/// key was given.
pub fn inspect(input: impl Read, keys: &[PublicKey]) -> Result<Inspection, BundleError> {
    let sealed = Sealed::read(input)?;
    let opened = if keys.is_empty() {
        sealed.open_untrusted()?
    } else {
        sealed.verify(keys)?
    };
    let signature = match opened.signature() {
        None => Signed::Unsigned,
        Some(signature) => {
            let (key, comment) = (signature.key().to_string(), signature.comment().to_owned());
            if keys.is_empty() {
                Signed::Unchecked { key, comment }
            } else {
                Signed::Verified { key, comment }
            }
        }
    };
    let digest = opened.digest().to_string();
    let text = String::from_utf8_lossy(opened.manifest_bytes()).into_owned();
    let (manifest, mut body) = opened.body(|_| true)?;
    let architectures = manifest
        .architectures
        .iter()
        .map(|(architecture, tree)| {
            let index = body.index(*architecture);
            InspectedTree {
                architecture: architecture.to_string(),
                present: index.is_some(),
                entries: tree.entries,
                unpacked: tree.unpacked_size,
                files: index.map(files).unwrap_or_default(),
            }
        })
        .collect();
    let mut unpacker = Unpacker::default();
    while let Some((chunk, stored)) = body.next_chunk()? {
        unpacker.unpack(&chunk, stored)?;
    }
    Ok(described(manifest, digest, signature, architectures, text))
}

fn described(
    manifest: Manifest,
    digest: String,
    signature: Signed,
    architectures: Vec<InspectedTree>,
    text: String,
) -> Inspection {
    Inspection {
        name: manifest.name.to_string(),
        version: manifest.version.to_string(),
        provider: manifest.provider.to_string(),
        counter: manifest.counter,
        description: manifest.description,
        digest,
        signature,
        architectures,
        manifest: text,
    }
}

fn files(index: &crate::index::Index) -> Vec<InspectedEntry> {
    let entry = |entry: &crate::index::Entry| {
        let (mode, target) = match &entry.kind {
            Kind::Directory => ("040755", None),
            Kind::Regular {
                executable: true, ..
            } => ("100755", None),
            Kind::Regular {
                executable: false, ..
            } => ("100644", None),
            Kind::Symlink { target } => ("120777", Some(target.clone())),
        };
        InspectedEntry {
            path: entry.path.to_string(),
            mode: mode.to_owned(),
            size: entry.size(),
            target,
        }
    };
    index.entries().iter().map(entry).collect()
}
