//! The table of core units, compiled into the read-only system image
//!
//! All authority of the core's programs stands in `images/units.toml`; this is its compiled form,
//! the only thing that init reads at boot. Unlike a spec it does hold paths, uids and
//! capabilities: it is part of the image and as trusted as init itself.

use heapless::{String, Vec};
use serde::{Deserialize, Serialize};

use crate::contract::Limits;
use crate::frame::FrameError;
use crate::limits::{CORE_UNITS, PATH};
use crate::name::Name;
use crate::restart::RestartPolicy;
use crate::spec::Readiness;
use crate::words::Words;

/// Where init finds the compiled table.
pub const UNITS_PATH: &str = "/usr/lib/limen/units";
/// Largest compiled table, bytes.
pub const UNITS_SIZE: usize = 32768;

/// What a core unit is to init: fixes the verbs of its control socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Decides what runs.
    Steward,
    /// Hands out references.
    Broker,
    /// Faces the network.
    Management,
    /// Keeps what units print.
    Logger,
    /// A one-shot hand that the steward may ask for: limen-install.
    Install,
    /// Anything else (DHCP client, NTP client): readiness and watchdog only.
    Plain,
}

/// The network that a core unit sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    /// An empty network namespace: not even loopback is up.
    None,
    /// The box's own.
    Host,
}

/// A directory or file of the box in a core unit's root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Bind {
    /// Path on the box. `{slot}` stands for the slot of a one-shot hand.
    pub from: String<PATH>,
    /// Path in the unit's root.
    pub to: String<PATH>,
    /// Whether the unit may write there (never with execution).
    #[serde(default)]
    pub writable: bool,
    /// Whether programs and libraries there may be executed.
    #[serde(default)]
    pub executable: bool,
}

/// One core unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoreUnit {
    /// Its name: cgroup, log tag.
    pub name: Name,
    /// What it may ask of init.
    pub role: Role,
    /// Absolute path of its program in the image, then its arguments. The program and everything
    /// bound with `executable` is visible and executable in its root.
    pub command: Words,
    /// `NAME=value` words.
    pub environment: Words,
    /// Uid and gid; never 0.
    pub user: u32,
    /// Capabilities kept (bit n is capability number n, `linux/capability.h`).
    pub capabilities: u64,
    /// Network.
    pub network: Network,
    /// What its root holds besides its program, a small `/dev` and nothing else.
    pub binds: Vec<Bind, 8>,
    /// Processor, memory, processes.
    pub limits: Limits,
    /// Restart policy.
    pub restart: RestartPolicy,
    /// When it is ready.
    pub readiness: Readiness,
    /// Longest wait for readiness, milliseconds.
    pub ready_within_ms: u32,
    /// Wait between SIGTERM and the kill of its cgroup, milliseconds.
    pub stop_within_ms: u32,
    /// `WATCHDOG=1` must arrive at least this often, milliseconds; 0 is no watchdog.
    pub watchdog_ms: u32,
    /// TCP port of the box on which init listens for it (management only); 0 is none.
    pub listen: u16,
}

/// A device class of the image, made by limen-jail with mknod in a bundle's own `/dev`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceClass {
    /// The class, as manifests and contracts name it.
    pub name: Name,
    /// File name in the bundle's `/dev`.
    pub node: String<PATH>,
    /// Major number of the character device.
    pub major: u32,
    /// Minor number.
    pub minor: u32,
}

/// Everything that the image grants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Core units in start order; a unit's number is its place here.
    pub units: Vec<CoreUnit, CORE_UNITS>,
    /// Pairs of roles that init connects with each other.
    pub links: Vec<(Role, Role), 8>,
    /// Device classes.
    pub devices: Vec<DeviceClass, 8>,
    /// Network device that leads to the WAN.
    pub uplink: Name,
    /// What that carries from the box, bits a second; 0 is not declared, and no bandwidth is
    /// promised.
    pub upload: u64,
    /// What it carries to the box.
    pub download: u64,
    /// Connections that the box tracks at once; 0 leaves it to the kernel, and none are promised.
    pub connections: u32,
    /// Kernel watchdog device, or empty.
    pub watchdog: String<PATH>,
    /// Build time of the image, seconds since 1970: the floor of the clock.
    pub built: u64,
}

/// Reads a compiled table, unit by unit: the derived decoder would move the whole of it, 47 KiB,
/// through frame after frame, and stack that was once touched is memory for good. Not inlined for
/// the same reason.
///
/// # Errors
/// The bytes are not one table of this version and nothing else.
#[inline(never)]
pub fn read(mut bytes: &[u8]) -> Result<Table, FrameError> {
    let from = &mut bytes;
    let count: usize = next(from)?;
    let mut units = Vec::new();
    for _ in 0..count {
        units.push(next(from)?).map_err(|_| FrameError::Malformed)?;
    }
    let table = Table {
        units,
        links: next(from)?,
        devices: next(from)?,
        uplink: next(from)?,
        upload: next(from)?,
        download: next(from)?,
        connections: next(from)?,
        watchdog: next(from)?,
        built: next(from)?,
    };
    match from.len() {
        0 => Ok(table),
        rest => Err(FrameError::Trailing(rest)),
    }
}

/// The next field.
fn next<'a, T: Deserialize<'a>>(from: &mut &'a [u8]) -> Result<T, FrameError> {
    let (value, rest) = postcard::take_from_bytes(from).map_err(|_| FrameError::Malformed)?;
    *from = rest;
    Ok(value)
}
