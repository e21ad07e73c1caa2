//! Specs: what the steward asks init to run
//!
//! A spec names things, it never grants them: slot number, digest, volume name, device class,
//! contract values. No path of the box, uid, capability or system call. limen-jail resolves the
//! names beneath fixed roots and derives the ids from the slot. Paths in a spec are paths inside
//! the bundle's own root.

use heapless::{String, Vec};
use serde::{Deserialize, Serialize};

use crate::contract::{Contract, Guarantees, Limits};
use crate::id::{BundleIndex, Digest, Slot};
use crate::limits::{DEVICES, PATH, PORTS, VOLUMES};
use crate::name::Name;
use crate::user::InnerUser;
use crate::words::Words;

/// A virtual gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VgwSpec {
    /// Its place.
    pub slot: Slot,
    /// The provider's name: the host name inside.
    pub provider: Name,
    /// Guarantees and limits.
    pub contract: Contract,
}

/// A volume that a bundle sees at a path of its root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Its name beneath the bundle's volumes.
    pub name: Name,
    /// Absolute path inside the bundle's root.
    pub path: String<PATH>,
}

/// How init knows that a unit is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Readiness {
    /// When its program was executed.
    Exec,
    /// When it said `READY=1` on `NOTIFY_SOCKET`.
    Notify,
}

/// What a bundle's volumes may hold together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Storage {
    /// Bytes: the sum of the volumes' sizes.
    pub bytes: u64,
    /// Files, directories and links: as large a part of the contract's as the bytes are.
    pub inodes: u32,
}

/// What a running bundle is held to, as far as it can be changed in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleShare {
    /// Its place in the virtual gateway.
    pub index: BundleIndex,
    /// Its share of the contract.
    pub limits: Limits,
    /// Its share of what the contract guarantees.
    pub guarantees: Guarantees,
    /// Its share of the disk.
    pub storage: Storage,
}

/// A bundle to start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleSpec {
    /// The virtual gateway that it runs in.
    pub slot: Slot,
    /// Its place there.
    pub index: BundleIndex,
    /// The bundle's name: finds its volumes.
    pub name: Name,
    /// Its digest: finds its files.
    pub digest: Digest,
    /// Program and arguments; the program is an absolute path inside the bundle's root.
    pub command: Words,
    /// `NAME=value` words.
    pub environment: Words,
    /// Where its program starts: an absolute path inside the bundle's root; empty is the root itself.
    pub directory: String<PATH>,
    /// The user that its program is to be; none is the bundle's own.
    pub user: Option<InnerUser>,
    /// Whether it may make code at run time.
    pub jit: bool,
    /// Whether a spare of it is kept ready.
    pub spare: bool,
    /// Its share of the contract.
    pub limits: Limits,
    /// Its share of what the contract guarantees.
    pub guarantees: Guarantees,
    /// Size of `/tmp`, bytes; 0 is no `/tmp`.
    pub temporary: u64,
    /// Volumes.
    pub volumes: Vec<Volume, VOLUMES>,
    /// What they may hold together.
    pub storage: Storage,
    /// TCP ports that it may listen on, besides those that the kernel chooses.
    pub ports: Vec<u16, PORTS>,
    /// Device classes of the image's table.
    pub devices: Vec<Name, DEVICES>,
    /// When it is ready.
    pub readiness: Readiness,
    /// Longest wait for readiness, milliseconds.
    pub ready_within_ms: u32,
    /// Wait between SIGTERM and the kill of its cgroup, milliseconds.
    pub stop_within_ms: u32,
}

impl BundleSpec {
    /// Whether lives of both find the same mounts around themselves, but for what each life has of
    /// its own: `/tmp`, sockets and volumes are mounted anew.
    #[must_use]
    pub fn has_mounts_of(&self, other: &Self) -> bool {
        let lasting = |spec: &Self| (spec.slot, spec.index, spec.digest, spec.temporary != 0);
        lasting(self) == lasting(other)
            && self.user == other.user
            && self.volumes == other.volumes
            && self.devices == other.devices
    }
}
