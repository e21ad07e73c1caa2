//! The contract: what a virtual gateway is guaranteed and held to
//!
//! Set by the operator, kept by the kernel. Values only; which kernel knob carries a value is
//! limen-jail's knowledge.

use heapless::Vec;
use serde::{Deserialize, Serialize};

use crate::limits::{DESTINATIONS, DEVICES, LAN_DESTINATIONS, PUBLISHED_PORTS};
use crate::name::Name;

pub use crate::ipv4::{Ipv4Network, NotANetwork};
pub use crate::rate::{Rate, Spent, Volume};

/// Ordinary share when processors are short: the kernel's own default.
pub const ORDINARY_WEIGHT: u16 = 100;
/// Descriptors of each process unless a contract says otherwise: event loops of busy servers are
/// content with it, and the kernel's memory for them is bounded.
pub const ORDINARY_DESCRIPTORS: u32 = 4096;
/// Fewest descriptors of a process: the jail itself needs most of them to build it.
pub const LEAST_DESCRIPTORS: u32 = 64;
/// Most descriptors of a process: the kernel's own ceiling (`fs.nr_open`).
pub const MOST_DESCRIPTORS: u32 = 1 << 20;
/// Tracked connections of a virtual gateway unless its contract says otherwise: some hundred busy
/// sockets, and 32 of them fit a connection table of 10 MiB.
pub const ORDINARY_CONNECTIONS: u32 = 1024;
/// Length of the window in which processor time is counted, milliseconds: the kernel's default.
pub const CPU_WINDOW_MS: u16 = 100;

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
    /// The contract's destinations and nothing else.
    Listed,
}

/// Something that a virtual gateway may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Destination {
    /// Where.
    pub network: Ipv4Network,
    /// Over which transport; none is every protocol.
    #[serde(default)]
    pub protocol: Option<Protocol>,
    /// At which port; 0 is any.
    #[serde(default)]
    pub port: u16,
}

/// Limits of a virtual gateway, of a bundle's share of it, or of a core unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Limits {
    /// Most processor time, in percent of one core; 0 is no limit of its own (cgroup v2 `cpu.max`).
    pub cpu_percent: u16,
    /// Processor time that may be saved up while it is not used, milliseconds; 0 is none, and it is
    /// at most what `cpu_percent` gives in a window of [`CPU_WINDOW_MS`] (cgroup v2
    /// `cpu.max.burst`).
    #[serde(default)]
    pub cpu_burst_ms: u16,
    /// Share when processors are short, 1 to 10000, 100 is ordinary (cgroup v2 `cpu.weight`).
    pub cpu_weight: u16,
    /// Most memory, bytes; without swap (cgroup v2 `memory.max`).
    pub memory: u64,
    /// Memory above which it is slowed down and reclaimed from, bytes; 0 is a sixteenth below
    /// `memory` (cgroup v2 `memory.high`).
    #[serde(default)]
    pub memory_high: u64,
    /// Most processes and threads (cgroup v2 `pids.max`).
    pub processes: u32,
    /// Most descriptors of each process (`RLIMIT_NOFILE`).
    #[serde(default = "ordinary_descriptors")]
    pub descriptors: u32,
    /// Most bytes a second read from the data disk; 0 is no limit (cgroup v2 `io.max` `rbps`).
    #[serde(default)]
    pub read_rate: u64,
    /// Most bytes a second written to the data disk; 0 is no limit (`io.max` `wbps`).
    #[serde(default)]
    pub write_rate: u64,
}

impl Limits {
    /// Ordinary values; memory and processes are still to be decided.
    pub const ORDINARY: Self = Self {
        cpu_percent: 0,
        cpu_burst_ms: 0,
        cpu_weight: ORDINARY_WEIGHT,
        memory: 0,
        memory_high: 0,
        processes: 0,
        descriptors: ORDINARY_DESCRIPTORS,
        read_rate: 0,
        write_rate: 0,
    };
}

/// What a virtual gateway has for certain, however busy its neighbours are. Of disk, bandwidth and
/// connections the limit itself is guaranteed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Guarantees {
    /// Processor time, in percent of one core: admission proves that the weights deliver it.
    pub cpu_percent: u16,
    /// Memory that is not taken away for others, bytes (cgroup v2 `memory.min`).
    pub memory: u64,
}

/// The isolation below which a start is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Minimum {
    /// Landlock's ABI; 0 is any, even none.
    pub landlock_abi: u8,
    /// Programs made in memory cannot be executed.
    pub memfd_exec_denied: bool,
    /// The disk quota is in force.
    pub disk_quota: bool,
    /// Bandwidth is limited in both directions.
    pub shaped: bool,
}

/// The whole contract of a virtual gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Contract {
    /// What its programs have at most.
    pub limits: Limits,
    /// What they have for certain.
    #[serde(default)]
    pub guarantees: Guarantees,
    /// Most bytes on disk: store, staging and volumes together (ext4 project quota).
    pub disk: u64,
    /// Most files, directories and links on disk.
    pub inodes: u32,
    /// Towards the box and beyond.
    pub upload: Rate,
    /// Towards the virtual gateway.
    pub download: Rate,
    /// How much may pass in a month.
    #[serde(default)]
    pub volume: Volume,
    /// Most connections that the box tracks for it at once.
    #[serde(default = "ordinary_connections")]
    pub connections: u32,
    /// Reach beyond the box.
    pub wan: Wan,
    /// What it may reach there when `wan` is `listed`.
    #[serde(default)]
    pub destinations: Vec<Destination, DESTINATIONS>,
    /// What it may reach in the box's own networks.
    #[serde(default)]
    pub lan: Vec<Destination, LAN_DESTINATIONS>,
    /// Ports of the box that lead inside.
    pub publish: Vec<Publish, PUBLISHED_PORTS>,
    /// Device classes that bundles may use.
    pub devices: Vec<Name, DEVICES>,
    /// Bundles whose manifest says so may make code at run time.
    #[serde(default)]
    pub jit: bool,
    /// It is kept parked while it is stopped, and spares of its programs are kept ready.
    #[serde(default)]
    pub warm: bool,
    /// The isolation below which it is not started.
    #[serde(default)]
    pub minimum: Minimum,
}

impl Default for Contract {
    /// Ordinary values; memory, processes, disk and inodes are still to be decided.
    fn default() -> Self {
        Self {
            limits: Limits::ORDINARY,
            guarantees: Guarantees::default(),
            disk: 0,
            inodes: 0,
            upload: Rate::NONE,
            download: Rate::NONE,
            volume: Volume::default(),
            connections: ORDINARY_CONNECTIONS,
            wan: Wan::None,
            destinations: Vec::new(),
            lan: Vec::new(),
            publish: Vec::new(),
            devices: Vec::new(),
            jit: false,
            warm: false,
            minimum: Minimum::default(),
        }
    }
}

fn ordinary_descriptors() -> u32 {
    ORDINARY_DESCRIPTORS
}

fn ordinary_connections() -> u32 {
    ORDINARY_CONNECTIONS
}
