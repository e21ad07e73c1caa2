//! Directories by descriptor, and names resolved beneath them.
//!
//! Every name goes through openat2(2) with `RESOLVE_BENEATH` and `RESOLVE_NO_SYMLINKS` until its last
//! component, and the last component is never followed. So no path that this crate writes can leave the
//! directory that it was given, whatever lies in that directory.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{
    AtFlags, FileType, FlockOperation, Mode, OFlags, RenameFlags, ResolveFlags, Stat,
};
use rustix::io::Errno;
use rustix::path::Arg;

/// The kernel refused something in a provider's tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation} {object}: {errno}")]
pub struct StoreError {
    /// What was done.
    pub operation: &'static str,
    /// To what.
    pub object: String,
    /// The kernel's reason.
    pub errno: Errno,
}

impl StoreError {
    pub(super) fn new(
        operation: &'static str,
        object: impl Into<String>,
    ) -> impl FnOnce(Errno) -> Self {
        let object = object.into();
        move |errno| Self {
            operation,
            object,
            errno,
        }
    }

    /// Whether another process has the tree open.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.errno == Errno::WOULDBLOCK
    }

    /// Whether there was no space, or no quota left.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self.errno, Errno::NOSPC | Errno::DQUOT | Errno::FBIG)
    }
}

/// An open directory.
#[derive(Debug)]
pub struct Directory {
    descriptor: OwnedFd,
    /// For messages only.
    name: String,
}

const RESOLVE: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS);

/// Mode of every directory that is not a volume.
pub(super) const DIRECTORY_MODE: Mode = Mode::from_raw_mode(0o755);

impl Directory {
    /// Takes an open directory; `name` is what messages call it.
    pub fn new(descriptor: OwnedFd, name: impl Into<String>) -> Self {
        Self {
            descriptor,
            name: name.into(),
        }
    }

    /// Makes this directory the caller's alone, among those who ask.
    pub(super) fn lock(&self) -> Result<(), StoreError> {
        rustix::fs::flock(&self.descriptor, FlockOperation::NonBlockingLockExclusive)
            .map_err(StoreError::new("lock", self.name.clone()))
    }

    pub(super) fn directory<P: Arg + Copy>(&self, path: P) -> Result<Self, StoreError> {
        let descriptor = self.open(path, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())?;
        Ok(Self {
            descriptor,
            name: self.object(path),
        })
    }

    pub(super) fn create(&self, path: &str, mode: Mode) -> Result<File, StoreError> {
        self.open(path, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL, mode)
            .map(File::from)
    }

    pub(super) fn write(&self, path: &str) -> Result<File, StoreError> {
        self.open(path, OFlags::WRONLY, Mode::empty())
            .map(File::from)
    }

    fn open<P: Arg + Copy>(
        &self,
        path: P,
        flags: OFlags,
        mode: Mode,
    ) -> Result<OwnedFd, StoreError> {
        let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        // EAGAIN: something was renamed while the kernel resolved (openat2(2)); it asks to be called again.
        loop {
            match rustix::fs::openat2(&self.descriptor, path, flags, mode, RESOLVE) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                other => return other.map_err(StoreError::new("open", self.object(path))),
            }
        }
    }

    /// Makes the directory `path`, whose parent exists.
    pub(super) fn make(&self, path: &str) -> Result<(), StoreError> {
        self.in_parent(path, |parent, name| {
            rustix::fs::mkdirat(parent, name, DIRECTORY_MODE)
        })
        .map_err(StoreError::new("make directory", self.object(path)))
    }

    pub(super) fn make_if_missing(&self, path: &str) -> Result<(), StoreError> {
        match self.make(path) {
            Err(error) if error.errno == Errno::EXIST => Ok(()),
            other => other,
        }
    }

    pub(super) fn link(&self, path: &str, target: &str) -> Result<(), StoreError> {
        self.in_parent(path, |parent, name| {
            rustix::fs::symlinkat(target, parent, name)
        })
        .map_err(StoreError::new("make link", self.object(path)))
    }

    /// What lies at `path`, links not followed.
    pub(super) fn stat(&self, path: &str) -> Result<Stat, StoreError> {
        self.in_parent(path, |parent, name| {
            rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
        })
        .map_err(StoreError::new("look at", self.object(path)))
    }

    /// Changes the owner of what lies at `path`, links not followed.
    pub(super) fn chown(&self, path: &str, id: u32) -> Result<(), StoreError> {
        let (user, group) = (rustix::fs::Uid::from_raw(id), rustix::fs::Gid::from_raw(id));
        self.in_parent(path, |parent, name| {
            rustix::fs::chownat(
                parent,
                name,
                Some(user),
                Some(group),
                AtFlags::SYMLINK_NOFOLLOW,
            )
        })
        .map_err(StoreError::new("change owner of", self.object(path)))
    }

    /// As [`Directory::chown`], for a name that need not be text.
    pub(super) fn chown_entry(&self, name: &CStr, id: u32) -> Result<(), StoreError> {
        let (user, group) = (rustix::fs::Uid::from_raw(id), rustix::fs::Gid::from_raw(id));
        rustix::fs::chownat(
            &self.descriptor,
            name,
            Some(user),
            Some(group),
            AtFlags::SYMLINK_NOFOLLOW,
        )
        .map_err(StoreError::new("change owner of", self.object(name)))
    }

    pub(super) fn has(&self, name: &str) -> Result<bool, StoreError> {
        match self.stat(name) {
            Ok(_) => Ok(true),
            Err(error) if error.errno == Errno::NOENT => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Moves `name` of this directory to `new` in `to`, where nothing may be yet.
    pub(super) fn rename<P: Arg + Copy>(
        &self,
        name: P,
        to: &Self,
        new: &str,
    ) -> Result<(), StoreError> {
        rustix::fs::renameat_with(
            &self.descriptor,
            name,
            &to.descriptor,
            new,
            RenameFlags::NOREPLACE,
        )
        .map_err(StoreError::new("rename", self.object(name)))
    }

    /// Removes a file or link, or an empty directory.
    pub(super) fn unlink<P: Arg + Copy>(&self, name: P) -> Result<(), StoreError> {
        let removed = match rustix::fs::unlinkat(&self.descriptor, name, AtFlags::empty()) {
            Err(Errno::ISDIR) => rustix::fs::unlinkat(&self.descriptor, name, AtFlags::REMOVEDIR),
            other => other,
        };
        removed.map_err(StoreError::new("remove", self.object(name)))
    }

    /// The names in this directory, in no order.
    pub(super) fn names(&self) -> Result<Vec<CString>, StoreError> {
        self.entries(usize::MAX)
            .map(|entries| entries.into_iter().map(|(name, _)| name).collect())
    }

    /// At most `most` of the names in this directory with their types.
    pub(super) fn entries(&self, most: usize) -> Result<Vec<(CString, FileType)>, StoreError> {
        let read = || {
            let mut entries = Vec::new();
            let mut directory = rustix::fs::Dir::read_from(&self.descriptor)?;
            while entries.len() < most {
                let Some(entry) = directory.read().transpose()? else {
                    break;
                };
                if ![c".", c".."].contains(&entry.file_name()) {
                    entries.push((CStr::to_owned(entry.file_name()), entry.file_type()));
                }
            }
            Ok(entries)
        };
        read().map_err(StoreError::new("list", self.name.clone()))
    }

    /// Waits until the names in this directory are on the disk.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        rustix::fs::fsync(&self.descriptor).map_err(StoreError::new("sync", self.name.clone()))
    }

    fn in_parent<T>(
        &self,
        path: &str,
        act: impl FnOnce(BorrowedFd<'_>, &str) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        match path.rsplit_once('/') {
            None => act(self.descriptor.as_fd(), path),
            Some((parent, name)) => {
                let parent = self.directory(parent).map_err(|error| error.errno)?;
                act(parent.descriptor.as_fd(), name)
            }
        }
    }

    fn object<P: Arg>(&self, path: P) -> String {
        let path = path.to_string_lossy();
        format!("{}/{}", self.name, crate::quote::quoted(&path))
    }
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}
