//! The install protocol: steward and limen-install
//!
//! One request, its progress, its one outcome; then the hand exits. The hand verifies before it
//! parses, and asks the steward once, with what the signed manifest says, before it writes.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::contract::Limits;
use crate::id::{BundleIndex, Digest, Slot};
use crate::name::{Interface, Name};
use crate::restart::RestartPolicy;
use crate::spec::Readiness;
use crate::user::InnerUser;

/// Steward to limen-install.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Take the bundle that arrives on the stream.
    Install {
        /// Place of the provider.
        slot: Slot,
        /// Its name: the manifest must say the same.
        provider: Name,
        /// Its signing keys (minisign public keys in their base64 line form).
        keys: Vec<String>,
    },
    /// The answer to `Report::Admit`.
    Go(Result<(), String>),
    /// Make the volumes of a bundle that are missing, owned by its outer uid.
    MakeVolumes {
        /// Place of the provider.
        slot: Slot,
        /// The bundle.
        bundle: Name,
        /// Its place: fixes the owner.
        index: BundleIndex,
        /// Volume names.
        volumes: Vec<Name>,
    },
    /// Remove a bundle's files.
    Remove {
        /// Its digest.
        digest: Digest,
    },
    /// Remove a bundle's volumes.
    RemoveVolumes {
        /// The bundle.
        bundle: Name,
    },
    /// Remove everything in the tree: store, staging, volumes.
    RemoveAll,
    /// Tell what the tree holds, so that the steward can find what a power cut orphaned.
    List,
}

/// limen-install to steward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Report {
    /// The signature holds and this is what it binds. Nothing was written yet.
    Admit(Summary),
    /// Bytes written so far, of how many.
    Progress {
        /// Unpacked bytes written.
        done: u64,
        /// Unpacked bytes in all.
        total: u64,
    },
    /// The order is carried out and on the disk.
    Done,
    /// It is not, and nothing of it is left.
    Refused(Refusal),
    /// The answer to `Order::List`.
    Holdings {
        /// Bundles whose files are complete.
        bundles: Vec<Digest>,
        /// Bundles that have volumes, and the volumes' names.
        volumes: Vec<(Name, Vec<Name>)>,
    },
}

/// Why an order was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What kind.
    pub kind: RefusalKind,
    /// What exactly, with the remedy.
    pub message: String,
}

/// What kind of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefusalKind {
    /// No signature, or one by none of the provider's keys.
    Untrusted,
    /// The bytes are not what was signed, or not a bundle.
    Corrupt,
    /// Signed, but the manifest or the contents break a rule.
    Invalid,
    /// The steward said no.
    NotAdmitted,
    /// The stream ended early.
    Incomplete,
    /// No space, or quota.
    Full,
    /// The kernel refused.
    Kernel,
}

/// A volume that a manifest asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeWish {
    /// Its name.
    pub name: Name,
    /// Where the bundle sees it.
    pub path: String,
    /// Bytes. Admission sets them aside; the kernel holds a bundle to the sum of its volumes.
    pub size: u64,
}

/// Where programs start whose manifest does not say.
fn root() -> String {
    String::from("/")
}

/// What a signed manifest says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// SHA-256 of the manifest.
    pub digest: Digest,
    /// The bundle's name.
    pub name: Name,
    /// Its version.
    pub version: String,
    /// Anti-rollback counter.
    pub counter: u64,
    /// Description.
    pub description: String,
    /// Command line.
    pub command: Vec<String>,
    /// `NAME=value`.
    pub environment: Vec<String>,
    /// Where it starts: an absolute path inside the bundle's root.
    #[serde(default = "root")]
    pub directory: String,
    /// When it is ready.
    pub readiness: Readiness,
    /// Longest wait for that, milliseconds.
    pub ready_within_ms: u32,
    /// Wait between SIGTERM and kill, milliseconds.
    pub stop_within_ms: u32,
    /// Restart policy.
    pub restart: RestartPolicy,
    /// The user that its program is to be; none is the bundle's own.
    #[serde(default)]
    pub user: Option<InnerUser>,
    /// Whether it makes code at run time.
    #[serde(default)]
    pub jit: bool,
    /// Whether a spare of it is worth its memory.
    #[serde(default)]
    pub spare: bool,
    /// The share of the contract that it asks for.
    pub limits: Limits,
    /// Size of /tmp, bytes.
    pub temporary: u64,
    /// Volumes.
    pub volumes: Vec<VolumeWish>,
    /// Device classes.
    pub devices: Vec<Name>,
    /// Ports that it serves inside: (name, is TCP, port).
    pub ports: Vec<(Name, crate::contract::Protocol, u16)>,
    /// Interfaces that it registers, and the providers that may be granted each.
    pub exports: Vec<(Interface, Vec<Name>)>,
    /// Interfaces that it looks for.
    pub imports: Vec<Interface>,
    /// Unpacked size, bytes.
    pub unpacked: u64,
    /// Files, directories and links.
    pub entries: u32,
}
