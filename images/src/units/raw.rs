//! `units.toml` and `devices.toml` as written
//!
//! Mirrors the files key by key and checks nothing but their shape; unknown keys are refused, because
//! a misspelt limit would be no limit.

use limen_proto::contract::{ORDINARY_DESCRIPTORS, ORDINARY_WEIGHT};
use limen_proto::restart::RestartPolicy;
use limen_proto::spec::Readiness;
use limen_proto::table::{Network, Role};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Units {
    /// Network device that leads to the WAN.
    pub(super) uplink: String,
    /// What the uplink carries from and to the box, such as `10Mbit`; not declared when absent.
    pub(super) uplink_upload: Option<String>,
    pub(super) uplink_download: Option<String>,
    /// Connections that the box tracks; the kernel's own choice when 0.
    #[serde(default)]
    pub(super) connections: u32,
    /// Kernel watchdog device; empty is none.
    pub(super) watchdog: String,
    #[serde(rename = "link", default)]
    pub(super) links: Vec<Link>,
    #[serde(rename = "unit")]
    pub(super) units: Vec<Unit>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Link {
    pub(super) between: [Role; 2],
    pub(super) reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Unit {
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) command: Vec<String>,
    #[serde(default)]
    pub(super) environment: Vec<String>,
    pub(super) user: u32,
    #[serde(default)]
    pub(super) capabilities: Vec<Capability>,
    pub(super) network: Network,
    #[serde(default)]
    pub(super) binds: Vec<Bind>,
    pub(super) memory: String,
    pub(super) processes: u32,
    /// 0 is no limit.
    #[serde(default)]
    pub(super) cpu_percent: u16,
    /// Milliseconds; 0 is none.
    #[serde(default)]
    pub(super) cpu_burst_ms: u16,
    #[serde(default = "ordinary_weight")]
    pub(super) cpu_weight: u16,
    /// No threshold when absent.
    pub(super) memory_high: Option<String>,
    #[serde(default = "ordinary_descriptors")]
    pub(super) descriptors: u32,
    /// An amount a second; no limit when absent.
    pub(super) read_rate: Option<String>,
    pub(super) write_rate: Option<String>,
    pub(super) restart: Restart,
    pub(super) readiness: Readiness,
    pub(super) ready_within_seconds: u32,
    pub(super) stop_within_seconds: u32,
    /// 0 is no watchdog.
    #[serde(default)]
    pub(super) watchdog_seconds: u32,
    /// 0 is no listener.
    #[serde(default)]
    pub(super) listen: u16,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Capability {
    pub(super) name: String,
    pub(super) reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Bind {
    pub(super) from: String,
    /// The same as `from` when absent.
    pub(super) to: Option<String>,
    #[serde(default)]
    pub(super) writable: bool,
    #[serde(default)]
    pub(super) executable: bool,
    pub(super) reason: String,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Restart {
    /// At once, then backing off, for ever.
    Always,
    /// A one-shot.
    Never,
}

impl Restart {
    pub(super) fn policy(self) -> RestartPolicy {
        match self {
            Self::Always => RestartPolicy::CORE,
            Self::Never => RestartPolicy::NEVER,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Devices {
    #[serde(rename = "device", default)]
    pub(super) devices: Vec<Device>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Device {
    pub(super) class: String,
    pub(super) node: String,
    pub(super) major: u32,
    pub(super) minor: u32,
    pub(super) reason: String,
}

fn ordinary_weight() -> u16 {
    ORDINARY_WEIGHT
}

fn ordinary_descriptors() -> u32 {
    ORDINARY_DESCRIPTORS
}
