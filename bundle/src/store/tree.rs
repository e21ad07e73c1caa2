//! A bundle on its way into the store.
//!
//! The whole tree is made first, each file with its space reserved: a quota that is too small says so
//! before the first byte arrives. Chunks then go to every place that the index gives them, in any
//! order. At the end each entry is looked at once more, everything is synced, and one rename makes it
//! exist.
//!
//! An [`Incoming`] that is dropped without [`Incoming::commit`] removes itself.

use std::fs::File;
use std::os::unix::fs::FileExt;

use rustix::fs::{FallocateFlags, FileType, Mode};
use rustix::io::Errno;

use super::beneath::{Directory, StoreError};
use super::{Ownership, Tenant, sweep};
use crate::digest::Digest;
use crate::index::{Entry, Index, Kind};
use crate::limits;

const PLAIN: Mode = Mode::from_raw_mode(0o644);
const EXECUTABLE: Mode = Mode::from_raw_mode(0o755);

/// A bundle's directory in staging.
#[derive(Debug)]
pub struct Incoming<'a> {
    tenant: &'a Tenant,
    name: String,
    directory: Directory,
    root: Directory,
}

/// The files of an [`Incoming`] that wait for their chunks.
#[derive(Debug)]
pub struct Writer<'a> {
    root: &'a Directory,
    index: &'a Index,
    places: Places,
    open: Option<(u32, File)>,
    written: u64,
}

/// Where each chunk goes: for chunk n, `places[starts[n]..starts[n + 1]]`.
#[derive(Debug)]
struct Places {
    starts: Vec<u32>,
    /// Number of the entry, number of the piece in it.
    places: Vec<(u32, u32)>,
}

impl Tenant {
    /// Begins to install a bundle.
    ///
    /// # Errors
    /// What the kernel refused.
    pub fn incoming(&self, bundle: &Digest) -> Result<Incoming<'_>, StoreError> {
        let name = bundle.to_string();
        self.staging.make(&name)?;
        let directory = self.staging.directory(name.as_str())?;
        directory.make("root")?;
        let root = directory.directory("root")?;
        Ok(Incoming {
            tenant: self,
            name,
            directory,
            root,
        })
    }
}

impl Incoming<'_> {
    /// Keeps a small file beside the tree.
    ///
    /// # Errors
    /// What the kernel refused.
    pub fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let file = self.directory.create(name, PLAIN)?;
        write_at(&file, bytes, 0, name)
    }

    /// Makes every entry of `index`.
    ///
    /// # Errors
    /// What the kernel refused.
    pub fn writer<'a>(&'a self, index: &'a Index) -> Result<Writer<'a>, StoreError> {
        for entry in index.entries() {
            let path = entry.path.as_str();
            match &entry.kind {
                Kind::Directory => self.root.make(path)?,
                Kind::Symlink { target } => self.root.link(path, target)?,
                Kind::Regular {
                    executable, size, ..
                } => {
                    let file = self
                        .root
                        .create(path, if *executable { EXECUTABLE } else { PLAIN })?;
                    reserve(&file, *size).map_err(StoreError::new("reserve space for", path))?;
                }
            }
        }
        Ok(Writer {
            root: &self.root,
            index,
            places: Places::of(index),
            open: None,
            written: 0,
        })
    }

    /// Proves that the tree is what `index` says, puts it on the disk and into the store.
    ///
    /// # Errors
    /// What the kernel refused, EBADMSG where an entry is not as it was made.
    pub fn commit(self, index: &Index) -> Result<(), StoreError> {
        for entry in index.entries().iter().rev() {
            settle(&self.root, entry, self.tenant.ownership)?;
        }
        for name in self.directory.names()? {
            let name = name.to_string_lossy();
            own(&self.directory, &name, self.tenant.ownership)?;
        }
        own(&self.tenant.staging, &self.name, self.tenant.ownership)?;
        // One call for the whole tree: a sync per file would cost a journal commit each.
        rustix::fs::syncfs(&self.directory).map_err(StoreError::new("sync", self.name.as_str()))?;
        self.tenant
            .staging
            .rename(self.name.as_str(), &self.tenant.store, &self.name)?;
        self.tenant.store.sync()?;
        self.tenant.staging.sync()
    }
}

impl Drop for Incoming<'_> {
    fn drop(&mut self) {
        // What cannot be removed now is removed at the next start; there is nobody left to tell.
        let _ = sweep::sweep(&self.tenant.staging);
    }
}

impl Writer<'_> {
    /// Writes the content of chunk `number` of the index to every place that it has.
    ///
    /// # Errors
    /// What the kernel refused.
    pub fn put(&mut self, number: u32, content: &[u8]) -> Result<(), StoreError> {
        let (from, to) = self.places.range(number);
        for place in from..to {
            let Some((entry, piece)) = self.places.places.get(place).copied() else {
                break;
            };
            self.put_at(entry, piece, content)?;
        }
        Ok(())
    }

    /// Bytes written so far.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    fn put_at(&mut self, number: u32, piece: u32, content: &[u8]) -> Result<(), StoreError> {
        let Some(entry) = self.index.entries().get(number as usize) else {
            return Ok(());
        };
        let path = entry.path.as_str();
        let file = match self.open.take() {
            Some((open, file)) if open == number => file,
            _ => self.root.write(path)?,
        };
        let offset = u64::from(piece) * u64::from(limits::CHUNK_BYTES);
        write_at(&file, content, offset, path)?;
        self.written += content.len() as u64;
        self.open = Some((number, file));
        Ok(())
    }
}

impl Places {
    fn of(index: &Index) -> Self {
        let uses = || {
            index
                .entries()
                .iter()
                .zip(0_u32..)
                .flat_map(|(entry, number)| {
                    let chunks = match &entry.kind {
                        Kind::Regular { chunks, .. } => chunks.as_slice(),
                        Kind::Directory | Kind::Symlink { .. } => &[],
                    };
                    chunks
                        .iter()
                        .zip(0_u32..)
                        .map(move |(chunk, piece)| (*chunk, (number, piece)))
                })
        };
        let mut places: Vec<(u32, (u32, u32))> = uses().collect();
        places.sort_unstable();
        let mut starts = vec![0_u32; index.chunks().len() + 1];
        for (chunk, _) in &places {
            if let Some(count) = starts.get_mut(*chunk as usize + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        Self {
            starts,
            places: places.into_iter().map(|(_, place)| place).collect(),
        }
    }

    fn range(&self, number: u32) -> (usize, usize) {
        let at = |position: usize| self.starts.get(position).map_or(0, |start| *start as usize);
        (at(number as usize), at(number as usize + 1))
    }
}

fn reserve(file: &File, size: u64) -> Result<(), Errno> {
    if size == 0 {
        return Ok(());
    }
    loop {
        match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, size) {
            Err(Errno::INTR) => {}
            // A file system without reservation, on a developer's machine: the size is still exact.
            Err(Errno::OPNOTSUPP) => return rustix::fs::ftruncate(file, size),
            other => return other,
        }
    }
}

fn write_at(file: &File, bytes: &[u8], offset: u64, path: &str) -> Result<(), StoreError> {
    file.write_all_at(bytes, offset).map_err(|error| {
        StoreError::new("write", path)(Errno::from_io_error(&error).unwrap_or(Errno::IO))
    })
}

/// Gives an entry its owner and proves that kind, mode and size are those of the index.
fn settle(root: &Directory, entry: &Entry, ownership: Ownership) -> Result<(), StoreError> {
    let path = entry.path.as_str();
    own(root, path, ownership)?;
    let found = root.stat(path)?;
    let (kind, mode, size) = match &entry.kind {
        Kind::Directory => (FileType::Directory, Some(Mode::from_raw_mode(0o755)), None),
        Kind::Symlink { target } => (FileType::Symlink, None, Some(target.len() as u64)),
        Kind::Regular {
            executable, size, ..
        } => (
            FileType::RegularFile,
            Some(if *executable { EXECUTABLE } else { PLAIN }),
            Some(*size),
        ),
    };
    let as_made = FileType::from_raw_mode(found.st_mode) == kind
        && mode.is_none_or(|mode| Mode::from_raw_mode(found.st_mode) == mode)
        && size.is_none_or(|size| u64::try_from(found.st_size) == Ok(size));
    if as_made {
        Ok(())
    } else {
        Err(StoreError::new("prove", path)(Errno::BADMSG))
    }
}

fn own(directory: &Directory, path: &str, ownership: Ownership) -> Result<(), StoreError> {
    match ownership {
        Ownership::Box => directory.chown(path, 0),
        Ownership::Caller => Ok(()),
    }
}
