//! Verbs: what may be asked
//!
//! Who may ask is said of each; the steward decides.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::About;
use crate::contract::Contract;
use crate::name::{Interface, Name};

/// What mgmt may ask of the steward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verb {
    /// mgmt: the server's certificate and key, and the authorities to pin.
    Trust,
    /// Operator: make a virtual gateway and start it.
    CreateVgw {
        /// Provider.
        provider: Name,
        /// Contract.
        contract: Contract,
        /// The provider's certificate authority, PEM.
        authority: String,
        /// The provider's signing keys, minisign base64 lines.
        keys: Vec<String>,
    },
    /// Operator: all; provider: its own.
    ListVgw,
    /// Operator: any; provider: its own.
    ShowVgw {
        /// Whose.
        provider: Name,
    },
    /// Operator.
    StartVgw {
        /// Whose.
        provider: Name,
    },
    /// Operator.
    StopVgw {
        /// Whose.
        provider: Name,
    },
    /// Operator.
    RestartVgw {
        /// Whose.
        provider: Name,
    },
    /// Operator: remove it with everything that it holds.
    RemoveVgw {
        /// Whose.
        provider: Name,
        /// Must be set when it holds bundles: they are destroyed with their volumes.
        discard_volumes: bool,
    },
    /// Operator: change the contract of a virtual gateway.
    SetContract {
        /// Whose.
        provider: Name,
        /// New contract.
        contract: Contract,
    },
    /// Provider: begin an upload. The stream's write end rides with the `Upload` answer; write the
    /// bundle, close, then wait for `Installed`.
    InstallBundle,
    /// Provider.
    ListBundles,
    /// Provider.
    ShowBundle {
        /// Which.
        name: Name,
    },
    /// Provider.
    StartBundle {
        /// Which.
        name: Name,
    },
    /// Provider.
    StopBundle {
        /// Which.
        name: Name,
    },
    /// Provider.
    RestartBundle {
        /// Which.
        name: Name,
    },
    /// Provider.
    UninstallBundle {
        /// Which.
        name: Name,
        /// Keep its volumes for a later installation.
        keep_volumes: bool,
    },
    /// Provider.
    ReadLogs {
        /// Of which bundle.
        name: Name,
        /// Lines behind this number.
        after: u64,
        /// At most this many.
        limit: u32,
    },
    /// Provider, as exporter.
    AddGrant {
        /// Which service.
        interface: Interface,
        /// Who may use it.
        consumer: Name,
    },
    /// Provider, as exporter.
    RevokeGrant {
        /// Which.
        id: u64,
    },
    /// Provider: given and received; operator: all that cross providers.
    ListGrants,
    /// Operator: the box's events; provider: those about itself.
    ReadAudit {
        /// Behind this number.
        after: u64,
        /// At most this many.
        limit: u32,
    },
    /// Operator: core units, version, health, totals.
    ShowCore,
    /// Operator.
    Shutdown {
        /// Reboot, or power off.
        reboot: bool,
    },
    /// mgmt: record an event that only it sees (a refused handshake, say).
    Note {
        /// What happened.
        text: String,
    },
    /// Operator: end core units' processes with SIGKILL, together; init starts them again. The
    /// last resort for a unit that hangs, and how a test proves that nothing else notices. The
    /// steward may be named too.
    KillCore {
        /// Their names in the image's table.
        units: Vec<Name>,
    },
    /// Operator: hold every process of a virtual gateway where it is.
    FreezeVgw {
        /// Whose.
        provider: Name,
    },
    /// Operator: let them go on.
    ThawVgw {
        /// Whose.
        provider: Name,
    },
    /// Operator: what would come of a contract for this provider, new or not? Changes nothing.
    PlanVgw {
        /// Whose.
        provider: Name,
        /// The contract.
        contract: Contract,
    },
    /// Operator: any; provider: its own. What it used, month by month.
    ReadVgwMonths {
        /// Whose.
        provider: Name,
    },
    /// Provider. What a bundle used, month by month.
    ReadBundleMonths {
        /// Which.
        name: Name,
    },
    /// Provider. What the kernel refused to a bundle, or what manifest and contract say about one
    /// path or port.
    ExplainBundle {
        /// Which.
        name: Name,
        /// About what.
        about: About,
    },
}
