//! One tar archive, applied to the tree
//!
//! A layer of an image says what it takes away from lower layers by names that begin with `.wh.` (OCI image specification 1.1,
//! layer.md); a package does not, and is written for a system whose `/bin`, `/sbin` and `/lib` are links into `/usr`.
//! Either way a name is checked before anything is done with it.

use std::io::{self, Read};

use limen_bundle::limits;
use limen_bundle::path::{EntryPath, PathError};
use tar::{Archive, Entry, EntryType};

use crate::notes::Notes;
use crate::tree::{InTheWay, Node, Tree};

/// Most entries that archives may bring, those that replace each other included.
const ENTRIES: u64 = 1_000_000;
/// Most bytes of files that archives may bring, those that are replaced included.
const BYTES: u64 = 2 * limits::UNPACKED_BYTES;

const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";
/// Names that storage drivers keep for themselves.
const RESERVED: &str = ".wh..wh.";

/// Directories that are links into `/usr` on a Debian system (usrmerge).
pub(crate) const MERGED: [&str; 4] = ["bin", "sbin", "lib", "lib64"];

/// Whose archive it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A layer of an image.
    Layer,
    /// The data of a Debian package.
    Package,
}

/// Why an archive was refused.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// Not what its header says, or not readable.
    #[error("archive is damaged or cut short")]
    Damaged(#[source] io::Error),
    /// A name that a bundle cannot have.
    #[error(transparent)]
    Path(#[from] PathError),
    /// `/` or `..`.
    #[error("archive names {0}, which leads out of the tree; it was not made by an honest tool")]
    Outside(String),
    /// A path that goes through a link or a file.
    #[error(
        "archive puts {path} below {way}, which is a link or a file; it was not made by an honest tool"
    )]
    Through {
        /// The entry.
        path: String,
        /// What lies above it.
        way: String,
    },
    /// A hard link.
    #[error("archive links {path} to {target}, which is no file of the tree")]
    HardLink {
        /// The entry.
        path: String,
        /// What it names.
        target: String,
    },
    /// A node of the kernel's.
    #[error(
        "archive has the {what} {path}; a bundle holds none: take it out of the image, and ask for a device class in the manifest"
    )]
    Special {
        /// The entry.
        path: String,
        /// What it is.
        what: &'static str,
    },
    /// A kind of entry that this reader does not take.
    #[error(
        "archive has {path} in a form that is not read ({what}); make the archive again with GNU tar's defaults"
    )]
    Form {
        /// The entry.
        path: String,
        /// The form.
        what: &'static str,
    },
    /// Too much.
    #[error("archives bring more than {0}; a bundle could not hold it")]
    TooMuch(&'static str),
}

/// What has been read of all archives together.
#[derive(Debug, Default)]
pub(crate) struct Spent {
    entries: u64,
}

/// Applies the decoded archive `from` as a new layer of `tree`.
pub(crate) fn apply(
    from: impl Read,
    kind: Kind,
    tree: &mut Tree,
    spent: &mut Spent,
    notes: &mut Notes,
) -> Result<(), LayerError> {
    tree.begin_layer();
    let mut archive = Archive::new(from);
    for entry in archive.entries().map_err(LayerError::Damaged)? {
        spent.entries += 1;
        if spent.entries > ENTRIES {
            return Err(LayerError::TooMuch("a million entries"));
        }
        let entry = entry.map_err(LayerError::Damaged)?;
        if let Some(path) = path(&entry.path_bytes(), kind)? {
            one(entry, &path, kind, tree, notes)?;
        }
    }
    Ok(())
}

/// The checked path of what an archive calls `name`; none for the root itself.
fn path(name: &[u8], kind: Kind) -> Result<Option<EntryPath>, LayerError> {
    let outside = || LayerError::Outside(format!("{:?}", String::from_utf8_lossy(name)));
    if name.starts_with(b"/") {
        return Err(outside());
    }
    let mut plain: Vec<&[u8]> = name.split(|byte| *byte == b'/').collect();
    plain.retain(|component| !matches!(*component, b"" | b"."));
    if plain.contains(&b"..".as_slice()) {
        return Err(outside());
    }
    let merged = |top: &&[u8]| MERGED.iter().any(|name| name.as_bytes() == *top);
    if kind == Kind::Package && plain.first().is_some_and(merged) {
        plain.insert(0, b"usr");
    }
    if plain.is_empty() {
        return Ok(None);
    }
    Ok(Some(EntryPath::new(&plain.join(&b'/'))?))
}

fn one(
    mut entry: Entry<'_, impl Read>,
    path: &EntryPath,
    kind: Kind,
    tree: &mut Tree,
    notes: &mut Notes,
) -> Result<(), LayerError> {
    let text = path.as_str();
    if kind == Kind::Layer && whiteout(path, tree) {
        return Ok(());
    }
    if path.allow(true).is_err() {
        notes.hidden.add(text);
        return Ok(());
    }
    let mode = entry.header().mode().map_err(LayerError::Damaged)?;
    let sparse = extensions(&mut entry, text, notes)?;
    if sparse {
        let (path, what) = (text.to_owned(), "sparse file");
        return Err(LayerError::Form { path, what });
    }
    let special = |what| {
        Err(LayerError::Special {
            path: text.to_owned(),
            what,
        })
    };
    let node = match entry.header().entry_type() {
        EntryType::Directory => Node::Directory,
        EntryType::Regular | EntryType::Continuous => {
            if mode & 0o7000 != 0 {
                notes.privileged.add(text);
            }
            if mode & 0o004 == 0 {
                notes.private.add(text);
            }
            file(&mut entry, mode, tree)?
        }
        EntryType::Symlink => Node::Link(link(&entry, text)?),
        EntryType::Link => return hard_link(&entry, path, kind, tree),
        EntryType::Block | EntryType::Char => return special("device"),
        EntryType::Fifo => return special("pipe"),
        EntryType::XGlobalHeader => return Ok(()),
        _ => {
            let (path, what) = (text.to_owned(), "an unusual type of entry");
            return Err(LayerError::Form { path, what });
        }
    };
    place(path, node, tree)
}

/// Does what a whiteout says; false if `path` is none.
fn whiteout(path: &EntryPath, tree: &mut Tree) -> bool {
    let parent = path.parent().unwrap_or_default();
    let name = path.as_str().rsplit('/').next().unwrap_or_default();
    if name == OPAQUE {
        tree.white_out_below(parent);
    } else if name.starts_with(RESERVED) {
        // A driver's own; nothing to take away.
    } else if let Some(gone) = name.strip_prefix(WHITEOUT) {
        let slash = if parent.is_empty() { "" } else { "/" };
        tree.white_out(&format!("{parent}{slash}{gone}"));
    } else {
        return false;
    }
    true
}

/// Looks at the extended header: whether the file is sparse; capabilities are counted.
fn extensions(
    entry: &mut Entry<'_, impl Read>,
    path: &str,
    notes: &mut Notes,
) -> Result<bool, LayerError> {
    let mut sparse = entry.header().entry_type() == EntryType::GNUSparse;
    let Some(extensions) = entry.pax_extensions().map_err(LayerError::Damaged)? else {
        return Ok(sparse);
    };
    for extension in extensions {
        let extension = extension.map_err(LayerError::Damaged)?;
        let key = extension.key_bytes();
        sparse |= key.starts_with(b"GNU.sparse.");
        if key == b"SCHILY.xattr.security.capability" {
            notes.capabilities.add(path);
        }
    }
    Ok(sparse)
}

fn file(entry: &mut Entry<'_, impl Read>, mode: u32, tree: &mut Tree) -> Result<Node, LayerError> {
    let length = entry.size();
    if tree.contents.held().saturating_add(length) > BYTES {
        return Err(LayerError::TooMuch("8 GiB"));
    }
    Ok(Node::File {
        content: tree
            .contents
            .add(entry, length)
            .map_err(LayerError::Damaged)?,
        executable: mode & 0o111 != 0,
    })
}

fn link(entry: &Entry<'_, impl Read>, path: &str) -> Result<String, LayerError> {
    let target = entry.link_name_bytes().unwrap_or_default();
    let target = String::from_utf8(target.into_owned());
    target.map_err(|_| PathError::NotText(path.to_owned()).into())
}

/// A second name for what is in the tree already; the bundle has it twice, stored once.
fn hard_link(
    entry: &Entry<'_, impl Read>,
    at: &EntryPath,
    kind: Kind,
    tree: &mut Tree,
) -> Result<(), LayerError> {
    let name = entry.link_name_bytes().unwrap_or_default();
    let target = path(&name, kind)?;
    match target.and_then(|target| tree.get(target.as_str()).cloned()) {
        Some(node) if node != Node::Directory => place(at, node, tree),
        _ => Err(LayerError::HardLink {
            path: at.to_string(),
            target: format!("{:?}", String::from_utf8_lossy(&name)),
        }),
    }
}

fn place(path: &EntryPath, node: Node, tree: &mut Tree) -> Result<(), LayerError> {
    tree.place(path, node)
        .map_err(|InTheWay(way)| LayerError::Through {
            path: path.to_string(),
            way,
        })
}

#[cfg(test)]
mod tests;
