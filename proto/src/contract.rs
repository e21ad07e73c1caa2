//! The contract: what a virtual gateway is guaranteed and held to
//!
//! Set by the operator, kept by the kernel. Values only; which kernel knob carries a value is
//! limen-jail's knowledge.

use heapless::Vec;
use serde::{Deserialize, Serialize};

use crate::limits::{DEVICES, PUBLISHED_PORTS};
use crate::name::Name;

/// Transport of a published port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// A port of the box that leads into a virtual gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Publish {
    /// Transport.
    pub protocol: Protocol,
    /// Port of the box.
    pub outside: u16,
    /// Port inside the virtual gateway.
    pub inside: u16,
}

/// Where a virtual gateway may connect to by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wan {
    /// Nowhere.
    #[default]
    None,
    /// Any address beyond the uplink, the box's own networks excepted.
    All,
}

/// Limits of one virtual gateway, or of one bundle's share of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Limits {
    /// Most processor time, in percent of one core; 0 is no limit of its own.
    pub cpu_percent: u16,
    /// Share when processors are short, 1 to 10000, 100 is ordinary (cgroup v2 `cpu.weight`).
    pub cpu_weight: u16,
    /// Most memory, bytes (cgroup v2 `memory.max`).
    pub memory: u64,
    /// Most processes and threads (cgroup v2 `pids.max`).
    pub processes: u32,
}

/// The whole contract of a virtual gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Contract {
    /// Processor, memory, processes.
    pub limits: Limits,
    /// Most bytes on disk: store, staging and volumes together (ext4 project quota).
    pub disk: u64,
    /// Most files, directories and links on disk.
    pub inodes: u32,
    /// Most bits a second towards the box and beyond; 0 is no limit.
    pub upload: u64,
    /// Most bits a second towards the virtual gateway; 0 is no limit.
    pub download: u64,
    /// Reach beyond the box.
    pub wan: Wan,
    /// Ports of the box that lead inside.
    pub publish: Vec<Publish, PUBLISHED_PORTS>,
    /// Device classes that bundles may use.
    pub devices: Vec<Name, DEVICES>,
}
