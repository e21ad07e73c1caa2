//! The manifest: what a bundle says of itself, and what its author signs.
//!
//! Reading it takes two steps. [`raw`] gives the TOML its shape and refuses unknown keys; [`validate`]
//! turns words into values that cannot be wrong any more. A [`Manifest`] in hand proves that each value
//! obeys the rules of `docs/reference/bundle.md`; it does not prove who wrote it (that is
//! [`crate::signature`]) nor that a contract has room for it (that is the steward's).

mod architecture;
mod error;
pub mod raw;
mod validate;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use architecture::{Architecture, Tree};
pub use error::ManifestError;

use limen_proto::contract::Protocol;
use limen_proto::name::{Interface, Name};
use limen_proto::spec::Readiness;
use limen_proto::user::InnerUser;

use crate::size::Size;

/// The manifest format that this crate reads and writes.
pub const FORMAT: u32 = 1;

/// A validated manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The bundle's name, unique within its provider.
    pub name: Name,
    /// The version shown to people; order between versions is the counter's matter.
    pub version: semver::Version,
    /// Whose bundle it is.
    pub provider: Name,
    /// Anti-rollback counter: never goes down for one name.
    pub counter: u64,
    /// One line for people; may be empty.
    pub description: String,
    /// What runs.
    pub run: Run,
    /// What happens when it ends by itself.
    pub restart: Restart,
    /// Its share of the contract.
    pub limits: Limits,
    /// Directories that outlive an update.
    pub volumes: Vec<Volume>,
    /// Device classes that it asks for.
    pub devices: Vec<Name>,
    /// Ports that a contract may publish.
    pub ports: Vec<Port>,
    /// Interfaces that it may register.
    pub exports: Vec<Export>,
    /// Interfaces that it looks up.
    pub imports: Vec<Import>,
    /// The trees it can be installed as; in the file in this order.
    pub architectures: BTreeMap<Architecture, Tree>,
}

/// What is executed, and how its readiness is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Program (absolute inside the bundle's root) and arguments.
    pub command: Vec<String>,
    /// Environment, by name.
    pub environment: BTreeMap<String, String>,
    /// Where it starts: an absolute path inside the bundle's root.
    pub directory: String,
    /// When it counts as Active.
    pub readiness: Readiness,
    /// Seconds within which it must be ready.
    pub ready_within: u32,
    /// Seconds between the request to stop and the kill.
    pub stop_within: u32,
    /// The user that the program is to be; none is the bundle's own.
    pub user: Option<InnerUser>,
    /// Whether it makes code at run time.
    pub jit: bool,
    /// Whether a spare of it is worth its memory.
    pub spare: bool,
}

/// TR-181 `AutoRestart` knobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restart {
    /// Whether a unit that ended by itself is started again.
    pub enable: bool,
    /// First wait in seconds.
    pub minimum_wait: u32,
    /// Longest wait in seconds.
    pub maximum_wait: u32,
    /// Growth of the wait per retry, in thousandths: 2000 doubles it.
    pub multiplier: u32,
    /// Seconds Active after which the count of retries starts anew.
    pub reset: u32,
    /// Retries before the fault is final; 0 for no end.
    pub retries: u32,
}

/// The share of a contract that a bundle asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Memory, page cache of its files included.
    pub memory: Size,
    /// Processes and threads.
    pub processes: u32,
    /// Size of its `/tmp`, charged to its memory.
    pub temporary: Size,
    /// Ceiling in percent of one core; none means the contract's.
    pub cpu_percent: Option<u32>,
    /// Processor time that it may save up, milliseconds.
    pub cpu_burst_ms: u32,
    /// Memory above which it is slowed down, below `memory`.
    pub memory_high: Option<Size>,
    /// Descriptors of each of its processes.
    pub descriptors: u32,
    /// Bytes a second that it reads from the data disk at most; none means the contract's.
    pub read_rate: Option<Size>,
    /// Bytes a second that it writes there at most; none means the contract's.
    pub write_rate: Option<Size>,
}

/// A directory that is kept across updates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Its name, unique in the bundle.
    pub name: Name,
    /// Where the bundle sees it.
    pub path: String,
    /// How much it may hold.
    pub size: Size,
}

/// A port that the bundle listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Its name, unique in the bundle.
    pub name: Name,
    /// Its protocol.
    pub protocol: Protocol,
    /// Its number inside the virtual gateway.
    pub inside: u16,
}

/// An interface that the bundle offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// The interface.
    pub interface: Interface,
    /// Its version.
    pub version: InterfaceVersion,
    /// Providers that may be granted its use; the grant itself is given elsewhere.
    pub to: Vec<Name>,
}

/// An interface that the bundle uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The interface.
    pub interface: Interface,
    /// The lowest version that will do.
    pub version: InterfaceVersion,
}

/// A version of an interface: same major, at least this minor, is compatible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct InterfaceVersion {
    /// Changes when callers break.
    pub major: u16,
    /// Grows when something is added.
    pub minor: u16,
}

impl std::fmt::Display for InterfaceVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl Manifest {
    /// Reads the manifest of a packed bundle: it names at least one architecture.
    ///
    /// # Errors
    /// What is wrong, with the key or line that it concerns and what to write instead.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        let manifest = validate::validate(raw::Raw::parse(bytes)?)?;
        if manifest.architectures.is_empty() {
            return Err(ManifestError::value(
                "architectures",
                "names no tree; pack the bundle, packing adds them",
            ));
        }
        Ok(manifest)
    }

    /// Reads the manifest that an author wrote: architectures are added by packing.
    ///
    /// # Errors
    /// As [`Manifest::parse`], and when architectures are there already.
    pub fn draft(bytes: &[u8]) -> Result<Self, ManifestError> {
        let manifest = validate::validate(raw::Raw::parse(bytes)?)?;
        if !manifest.architectures.is_empty() {
            return Err(ManifestError::value(
                "architectures",
                "is written by packing; remove it from the source",
            ));
        }
        Ok(manifest)
    }
}
