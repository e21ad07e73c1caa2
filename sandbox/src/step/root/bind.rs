//! Pieces of the box in the new root

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, CWD, FileType, Gid, Mode, OFlags, ResolveFlags, Stat, Uid};
use rustix::io::Errno;
use rustix::mount::{OpenTreeFlags, open_tree};

use super::{BENEATH, Root, STEP, components};
use crate::fault::{At, Fault};
use crate::sys::mount::{Attributes, set_attributes};

/// What a bound piece is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Read.
    Read,
    /// Read and execute.
    Execute,
    /// Write, never execute.
    Write,
}

impl Use {
    fn attributes(self) -> Attributes {
        let base = Attributes::NO_SET_UID.and(Attributes::NO_DEVICES);
        match self {
            Self::Read => base
                .and(Attributes::NO_EXECUTION)
                .and(Attributes::READ_ONLY),
            Self::Execute => base.and(Attributes::READ_ONLY),
            Self::Write => base.and(Attributes::NO_EXECUTION),
        }
    }
}

/// An existing file or directory of the box, held open: what was looked at is what is mounted.
#[derive(Debug)]
pub(crate) struct Source {
    object: OwnedFd,
    status: Stat,
    name: String,
}

impl Source {
    /// Opens an absolute path of the box. No link is followed, not even on the way.
    pub(crate) fn open(path: &str) -> Result<Self, Fault> {
        let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        Self::resolve(CWD, path, resolve)
    }

    /// Opens a name beneath a directory, again without links.
    pub(super) fn beneath(directory: BorrowedFd<'_>, path: &str) -> Result<Self, Fault> {
        Self::resolve(directory, path, BENEATH)
    }

    fn resolve(at: BorrowedFd<'_>, path: &str, how: ResolveFlags) -> Result<Self, Fault> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let object =
            rustix::fs::openat2(at, path, flags, Mode::empty(), how).at(STEP, "open", path)?;
        let status = rustix::fs::fstat(&object).at(STEP, "look at", path)?;
        Ok(Self {
            object,
            status,
            name: path.to_owned(),
        })
    }

    /// What it is.
    pub(crate) fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.status.st_mode)
    }

    /// Its owner's uid, as the box counts.
    pub(crate) fn owner(&self) -> u32 {
        self.status.st_uid
    }

    /// Makes it a uid's of the box, and its group's of the same number.
    pub(super) fn give_to(&self, owner: u32) -> Result<(), Fault> {
        let (user, group) = (Uid::from_raw(owner), Gid::from_raw(owner));
        let itself = AtFlags::EMPTY_PATH;
        rustix::fs::chownat(&self.object, "", Some(user), Some(group), itself).at(
            STEP,
            "give away",
            &self.name,
        )
    }

    /// A mount of it that nobody can see yet.
    fn tree(&self, purpose: Use) -> Result<OwnedFd, Fault> {
        let tree = clone_tree(self.object.as_fd(), &self.name)?;
        set_attributes(tree.as_fd(), purpose.attributes()).at(STEP, "protect", &self.name)?;
        Ok(tree)
    }
}

/// A mount of an open file or directory that nobody can see yet.
pub(super) fn clone_tree(object: BorrowedFd<'_>, name: &str) -> Result<OwnedFd, Fault> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_EMPTY_PATH;
    open_tree(object, c"", flags).at(STEP, "clone", name)
}

/// A directory that can be mounted in a mount namespace that does not exist yet: once this process
/// has left for that, it can clone nothing of the old one.
#[derive(Debug)]
pub(crate) struct Ahead {
    tree: OwnedFd,
    path: String,
}

impl Ahead {
    /// Of an open directory, for `path` in the new root.
    pub(crate) fn new(directory: BorrowedFd<'_>, path: &str, purpose: Use) -> Result<Self, Fault> {
        let tree = clone_tree(directory, path)?;
        set_attributes(tree.as_fd(), purpose.attributes()).at(STEP, "protect", path)?;
        let path = path.to_owned();
        Ok(Self { tree, path })
    }
}

impl AsFd for Source {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.object.as_fd()
    }
}

impl Root {
    /// Mounts a directory that was cloned ahead.
    pub(crate) fn put_ahead(&self, ahead: &Ahead) -> Result<(), Fault> {
        let place = self.directory(&ahead.path)?;
        self.put(ahead.tree.as_fd(), place.as_fd(), &ahead.path)
    }

    /// Mounts `source` at `path`, which is made where the root is ours to make it.
    pub(crate) fn bind(&self, source: &Source, path: &str, purpose: Use) -> Result<(), Fault> {
        if components(path)?.next().is_none() {
            return Err(Fault::new(STEP, "mount over", "the root", Errno::INVAL));
        }
        let place = match source.kind() {
            FileType::Directory => self.directory(path)?,
            _ => self.file(path)?,
        };
        self.put(source.tree(purpose)?.as_fd(), place.as_fd(), path)
    }
}
