//! A provider's tree on the data disk: store, staging, volumes.
//!
//! | path | what | owner, mode |
//! | --- | --- | --- |
//! | `store/<digest>/manifest.toml`, `manifest.minisig`, `index` | what was signed, as it was | superuser, 0644 |
//! | `store/<digest>/root/` | the bundle's files | superuser, 0755 or 0644 |
//! | `staging/` | what is being written or removed | superuser |
//! | `volumes/<bundle>/<volume>/` | a bundle's data | its outer uid (new: superuser), 0700 |
//!
//! All three lie in one project-quota tree, so they are charged together and a rename between them is
//! possible (KERNEL.md, A6). A thing is in `store` or `volumes` only when it is complete and on the disk:
//! it is made in staging, synced, and renamed; it is removed by the reverse. So what lies in staging when
//! limen-install starts was left by a power cut and is swept away.
//!
//! Who may install what, and whether a bundle still runs, is not known here.

mod beneath;
mod sweep;
mod tree;
mod volume;

use std::os::fd::OwnedFd;

use limen_proto::name::Name;
use rustix::io::Errno;

pub use beneath::{Directory, StoreError};
pub use tree::{Incoming, Writer};

use crate::digest::{self, Digest};

/// Who owns what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// The superuser owns bundles, outer uids own volumes: on the box.
    Box,
    /// The caller owns everything: without privilege, in tests and tools.
    Caller,
}

/// The opened tree of one provider, with an empty staging directory, for one process at a time.
#[derive(Debug)]
pub struct Tenant {
    /// Holds the lock; released when the process ends, however it ends.
    _root: Directory,
    store: Directory,
    staging: Directory,
    volumes: Directory,
    ownership: Ownership,
}

impl Tenant {
    /// Opens the tree below `root`, makes what is missing and removes what an earlier run left in staging.
    ///
    /// # Errors
    /// What the kernel refused; EWOULDBLOCK while another process has the tree open.
    pub fn open(root: OwnedFd, ownership: Ownership) -> Result<Self, StoreError> {
        let root = Directory::new(root, "tenant");
        root.lock()?;
        let part = |name: &str| {
            root.make_if_missing(name)?;
            root.directory(name)
        };
        let tenant = Self {
            store: part("store")?,
            staging: part("staging")?,
            volumes: part("volumes")?,
            ownership,
            _root: root,
        };
        sweep::sweep(&tenant.staging)?;
        Ok(tenant)
    }

    /// Whether the bundle is complete in the store.
    ///
    /// # Errors
    /// What the kernel refused.
    pub fn has(&self, bundle: &Digest) -> Result<bool, StoreError> {
        self.store.has(&bundle.to_string())
    }

    /// The bundles in the store, sorted.
    ///
    /// # Errors
    /// What the kernel refused.
    pub fn bundles(&self) -> Result<Vec<Digest>, StoreError> {
        let mut bundles: Vec<Digest> = self
            .store
            .names()?
            .iter()
            .filter_map(|name| digest::parse(name.to_str().ok()?).ok())
            .collect();
        bundles.sort();
        Ok(bundles)
    }

    /// Removes a bundle's files; nothing happens if there are none.
    ///
    /// # Errors
    /// What the kernel refused; the rest goes at the next start.
    pub fn remove(&self, bundle: &Digest) -> Result<(), StoreError> {
        self.discard(&self.store, &bundle.to_string())
    }

    /// Removes every bundle and every volume.
    ///
    /// # Errors
    /// As [`Tenant::remove`].
    pub fn remove_all(&self) -> Result<(), StoreError> {
        for part in [&self.store, &self.volumes] {
            for name in part.names()? {
                self.displace(part, name.as_c_str())?;
            }
            part.sync()?;
        }
        sweep::sweep(&self.staging)
    }

    /// Removes the volumes of a bundle; nothing happens if there are none.
    ///
    /// # Errors
    /// As [`Tenant::remove`].
    pub fn remove_volumes(&self, bundle: &Name) -> Result<(), StoreError> {
        self.discard(&self.volumes, bundle.as_str())
    }

    /// Takes a thing out of its place in one step, for good, then frees its space.
    fn discard(&self, from: &Directory, name: &str) -> Result<(), StoreError> {
        self.displace(from, name)?;
        from.sync()?;
        sweep::sweep(&self.staging)
    }

    fn displace<N: rustix::path::Arg + Copy>(
        &self,
        from: &Directory,
        name: N,
    ) -> Result<(), StoreError> {
        for attempt in 0_u64.. {
            match from.rename(name, &self.staging, &format!("removed-{attempt}")) {
                Err(error) if error.errno == Errno::EXIST => {}
                Err(error) if error.errno == Errno::NOENT => break,
                other => return other,
            }
        }
        Ok(())
    }
}
