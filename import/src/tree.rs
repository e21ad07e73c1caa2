//! Layers, merged into one tree
//!
//! Keys are checked paths without leading slash, in the order of their bytes. Invariant: what an entry lies in is a directory of
//! the tree, so that nothing is ever written through a link. Each entry knows the layer that placed it, because a whiteout
//! takes away what lower layers placed and nothing of its own (OCI image specification 1.1, layer.md, "Whiteouts").

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::Path;

use limen_bundle::path::EntryPath;

use crate::content::{Content, Contents};

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    Directory,
    File { content: Content, executable: bool },
    Link(String),
}

#[derive(Debug)]
struct Placed {
    node: Node,
    layer: u32,
}

/// The merged tree and the bytes of its files.
#[derive(Debug)]
pub struct Tree {
    entries: BTreeMap<String, Placed>,
    pub(crate) contents: Contents,
    layer: u32,
}

/// Something that is no directory lies above a path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct InTheWay(pub(crate) String);

impl Tree {
    /// Nothing yet.
    ///
    /// # Errors
    /// The temporary directory does not take a file.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            entries: BTreeMap::new(),
            contents: Contents::new()?,
            layer: 0,
        })
    }

    /// What is placed from now on is of a new layer above all others.
    pub(crate) fn begin_layer(&mut self) {
        self.layer += 1;
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn get(&self, path: &str) -> Option<&Node> {
        self.entries.get(path).map(|placed| &placed.node)
    }

    /// The target of the link at `path`, if one is there.
    pub(crate) fn target(&self, path: &str) -> Option<&str> {
        match self.get(path) {
            Some(Node::Link(target)) => Some(target),
            _ => None,
        }
    }

    /// Puts `node` at `path`, in the place of whatever was there, and makes the directories above it.
    pub(crate) fn place(&mut self, path: &EntryPath, node: Node) -> Result<(), InTheWay> {
        if let Some(parent) = path.parent() {
            self.directories(parent)?;
        }
        let layer = self.layer;
        if node != Node::Directory {
            self.remove_below(path.as_str(), u32::MAX);
        }
        self.entries
            .insert(path.as_str().to_owned(), Placed { node, layer });
        Ok(())
    }

    fn directories(&mut self, path: &str) -> Result<(), InTheWay> {
        let ends = path
            .match_indices('/')
            .map(|(at, _)| at)
            .chain([path.len()]);
        for ancestor in ends.map(|end| &path[..end]) {
            match self.get(ancestor) {
                Some(Node::Directory) => {}
                Some(_) => return Err(InTheWay(ancestor.to_owned())),
                None => {
                    let (node, layer) = (Node::Directory, self.layer);
                    self.entries
                        .insert(ancestor.to_owned(), Placed { node, layer });
                }
            }
        }
        Ok(())
    }

    /// A whiteout: takes away what lower layers placed at `path` and below it.
    pub(crate) fn white_out(&mut self, path: &str) {
        let layer = self.layer;
        self.remove_below(path, layer);
        let lower = self
            .entries
            .get(path)
            .is_some_and(|placed| placed.layer < layer);
        if lower && !self.has_below(path) {
            self.entries.remove(path);
        }
    }

    /// An opaque whiteout: takes away what lower layers placed below `path`.
    pub(crate) fn white_out_below(&mut self, path: &str) {
        self.remove_below(path, self.layer);
    }

    /// Takes away what layers below `layer` placed below `path`, and keeps the directories of what remains.
    fn remove_below(&mut self, path: &str, layer: u32) {
        let below: Vec<String> = self
            .below(path)
            .filter(|(_, placed)| placed.layer < layer)
            .map(|(path, _)| path.clone())
            .collect();
        // What lies in a directory sorts behind it, so it goes first.
        for path in below.iter().rev() {
            if !self.has_below(path) {
                self.entries.remove(path);
            }
        }
    }

    fn has_below(&self, path: &str) -> bool {
        self.below(path).next().is_some()
    }

    fn below(&self, path: &str) -> impl Iterator<Item = (&String, &Placed)> {
        let prefix = if path.is_empty() {
            String::new()
        } else {
            format!("{path}/")
        };
        let start = prefix.clone();
        self.entries
            .range(start..)
            .take_while(move |(path, _)| path.starts_with(&prefix))
    }

    /// Bytes of all files together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let size = |placed: &Placed| match placed.node {
            Node::File { content, .. } => content.length,
            _ => 0,
        };
        self.entries.values().map(size).sum()
    }

    /// Writes the tree into `root`, an empty directory that nobody else writes to.
    ///
    /// # Errors
    /// The first thing that cannot be written.
    pub fn extract(&self, root: &Path) -> io::Result<()> {
        for (path, placed) in &self.entries {
            let to = root.join(path);
            match &placed.node {
                Node::Directory => fs::create_dir(to)?,
                Node::Link(target) => symlink(target, to)?,
                Node::File {
                    content,
                    executable,
                } => {
                    let mode = if *executable { 0o755 } else { 0o644 };
                    let file = OpenOptions::new()
                        .write(true)
                        .create_new(true)
                        .mode(mode)
                        .open(to)?;
                    let mut file = BufWriter::new(file);
                    self.contents.copy(*content, &mut file)?;
                    file.flush()?;
                }
            }
        }
        Ok(())
    }

    /// Paths and what they are, one a line, for comparison in tests.
    #[cfg(test)]
    pub(crate) fn listing(&self) -> Vec<String> {
        let line = |(path, placed): (&String, &Placed)| match &placed.node {
            Node::Directory => format!("{path}/"),
            Node::Link(target) => format!("{path} -> {target}"),
            Node::File {
                content,
                executable,
            } => {
                let text = self.contents.text(*content, 1 << 20).unwrap_or_default();
                format!("{path}{} {text:?}", if *executable { "*" } else { "" })
            }
        };
        self.entries.iter().map(line).collect()
    }
}
