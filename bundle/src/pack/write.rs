//! Putting the parts together in their order.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use super::PackError;
use super::scan::{self, Found};
use super::spool::{Spool, Table};
use crate::digest::{self, Digest};
use crate::envelope::Envelope;
use crate::index::{Entry, Index, Kind};
use crate::limits;
use crate::link;
use crate::manifest::{Architecture, Manifest};
use crate::path::EntryPath;

/// What was packed.
#[derive(Debug, Clone)]
pub struct Packed {
    /// The manifest with its architectures.
    pub manifest: Manifest,
    /// The bundle's digest.
    pub digest: Digest,
    /// Length of the file in bytes.
    pub length: u64,
    /// Trees by architecture.
    pub trees: BTreeMap<Architecture, PackedTree>,
}

/// What was packed of one tree.
#[derive(Debug, Clone, Copy)]
pub struct PackedTree {
    /// Entries.
    pub entries: u32,
    /// Bytes of its files.
    pub unpacked: u64,
}

/// Packs `trees`, a directory per architecture, under the manifest `draft` into `output`, unsigned.
///
/// # Errors
/// See [`PackError`]; what was written to `output` until then is no bundle.
pub fn pack(
    draft: &[u8],
    trees: &BTreeMap<Architecture, &Path>,
    output: &mut impl Write,
) -> Result<Packed, PackError> {
    let described = Manifest::draft(draft)?;
    if trees.is_empty() {
        return Err(PackError::Trees);
    }
    let mut spool = Spool::new().map_err(PackError::Write)?;
    let (mut text, mut indexes, mut packed) = (draft.to_vec(), Vec::new(), BTreeMap::new());
    if !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    for (architecture, root) in trees {
        let index = index(*architecture, root, &described, &mut spool)?;
        let bytes = index.encode();
        let entries = u32::try_from(index.entries().len()).unwrap_or(u32::MAX);
        text.extend(table(*architecture, &bytes, &index, entries).into_bytes());
        indexes.push(bytes);
        packed.insert(
            *architecture,
            PackedTree {
                entries,
                unpacked: index.unpacked(),
            },
        );
    }
    let manifest = Manifest::parse(&text)?;
    let envelope = Envelope {
        present: (1 << trees.len()) - 1,
        manifest: u32::try_from(text.len())
            .ok()
            .filter(|length| *length <= limits::MANIFEST_BYTES)
            .ok_or(PackError::Long)?,
        signature: 0,
    };
    let mut length = 0;
    for part in [&envelope.encode()[..], &text]
        .into_iter()
        .chain(indexes.iter().map(Vec::as_slice))
    {
        output.write_all(part).map_err(PackError::Write)?;
        length += part.len() as u64;
    }
    length += spool.drain(output).map_err(PackError::Write)?;
    output.flush().map_err(PackError::Write)?;
    Ok(Packed {
        digest: digest::of(&text),
        manifest,
        length,
        trees: packed,
    })
}

/// What packing adds to the manifest. Its own table at the end, so that the author's text stays as it is.
fn table(architecture: Architecture, bytes: &[u8], index: &Index, entries: u32) -> String {
    let mut text = String::new();
    let _ = write!(
        text,
        "\n[architectures.{architecture}]\nindex = \"{}\"\nindex-size = {}\nunpacked-size = {}\nentries = {entries}\n",
        digest::of(bytes),
        bytes.len(),
        index.unpacked(),
    );
    text
}

fn index(
    architecture: Architecture,
    root: &Path,
    manifest: &Manifest,
    spool: &mut Spool,
) -> Result<Index, PackError> {
    let mut table = Table::default();
    let mut entries = Vec::new();
    for (path, found) in scan::scan(root, &scan::volumes(manifest))? {
        entries.push(Entry {
            kind: kind(architecture, &path, found, spool, &mut table)?,
            path,
        });
    }
    let index = Index::new((table.chunks, entries))
        .map_err(|error| PackError::Index(architecture, error))?;
    index
        .carries(manifest)
        .map_err(|error| PackError::Suit(architecture, error))?;
    Ok(index)
}

fn kind(
    architecture: Architecture,
    path: &EntryPath,
    found: Found,
    spool: &mut Spool,
    table: &mut Table,
) -> Result<Kind, PackError> {
    Ok(match found {
        Found::Directory => Kind::Directory,
        Found::Symlink { target } => Kind::Symlink {
            target: link::target(path.as_str(), &target)
                .map_err(|error| PackError::Index(architecture, error.into()))?
                .to_owned(),
        },
        Found::Regular { from, executable } => {
            let (size, chunks) = file(&from, spool, table)?;
            Kind::Regular {
                executable,
                size,
                chunks,
            }
        }
    })
}

/// Cuts a file into chunks. Its size is what was read, so a file that changes meanwhile cannot lie.
fn file(from: &Path, spool: &mut Spool, table: &mut Table) -> Result<(u64, Vec<u32>), PackError> {
    let mut input = File::open(from).map_err(PackError::read(from))?;
    let (mut size, mut chunks) = (0, Vec::new());
    loop {
        let mut content = Vec::with_capacity(limits::CHUNK_BYTES as usize);
        let mut piece = (&mut input).take(u64::from(limits::CHUNK_BYTES));
        piece
            .read_to_end(&mut content)
            .map_err(PackError::read(from))?;
        if content.is_empty() {
            return Ok((size, chunks));
        }
        size += content.len() as u64;
        if size > limits::UNPACKED_BYTES {
            return Err(PackError::unfit(
                from,
                "is larger than 4 GiB, the most that a bundle unpacks to",
            ));
        }
        chunks.push(spool.add(&content, table).map_err(PackError::Write)?);
    }
}
