//! The manage link: steward and mgmt
//!
//! mgmt maps a client certificate to a caller and speaks HTTP; the steward decides, for every
//! call again. What a caller may not see is `NotFound`, with the text of something that does not
//! exist.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::account::Counters;
use crate::contract::Contract;
use crate::id::Digest;
use crate::logs::Line;
use crate::month::Month;
use crate::name::{Interface, Name};
use crate::posture::Posture;
use crate::state::{BundleState, Exit, Fault, UnitState};

/// mgmt to steward. `id` comes back in the reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Chosen by mgmt.
    pub id: u32,
    /// In whose name.
    pub caller: Caller,
    /// What is asked.
    pub verb: Verb,
}

/// In whose name a call is made.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Caller {
    /// mgmt itself: only `Trust`.
    Management,
    /// The operator.
    Operator,
    /// A provider.
    Provider(Name),
}

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

/// Steward to mgmt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Push {
    /// The outcome of a call. A call of `InstallBundle` gets two: `Upload`, then the outcome.
    Reply {
        /// Of the call.
        id: u32,
        /// The outcome.
        result: Result<Answer, Refusal>,
    },
    /// Trust changed: ask for it again.
    TrustChanged,
    /// Progress of an installation, between `Upload` and its outcome.
    Progress {
        /// Of the call.
        id: u32,
        /// Unpacked bytes written.
        done: u64,
        /// Unpacked bytes in all.
        total: u64,
    },
}

/// What of a changed contract waits for a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Keys of the contract that running bundles keep as they were until they are restarted.
    pub restart: Vec<String>,
    /// How many bundles that concerns.
    pub bundles: u32,
}

/// What a contract would come to; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Everything that stands against it, in words; empty is: it fits.
    pub obstacles: Vec<String>,
    /// Resource by resource.
    pub resources: Vec<Forecast>,
    /// Whose guarantee it would take.
    pub displaced: Vec<Displaced>,
}

/// One resource under a planned contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecast {
    /// Which.
    pub resource: String,
    /// The contract's key.
    pub key: String,
    /// What the numbers count.
    pub unit: String,
    /// What there is for all contracts together.
    pub total: u64,
    /// What the others were promised.
    pub promised: u64,
    /// What this contract asks for.
    pub asked: u64,
    /// What would be left then.
    pub left: u64,
}

/// A guarantee that a planned contract would take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Displaced {
    /// Whose.
    pub provider: Name,
    /// Of which resource.
    pub resource: String,
    /// What the numbers count.
    pub unit: String,
    /// What is guaranteed.
    pub guaranteed: u64,
    /// What would be left of it.
    pub left: u64,
}

/// Why the steward refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What kind.
    pub kind: RefusalKind,
    /// What exactly; lower case, no full stop, with the remedy when it is known.
    pub message: String,
}

/// What kind of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefusalKind {
    /// No such thing, or not for this caller.
    NotFound,
    /// The caller's role does not have this verb.
    Forbidden,
    /// The argument breaks a rule.
    Invalid,
    /// It exists already, or is in a state that does not allow this.
    Conflict,
    /// It does not fit the box or the contract.
    NotAdmitted,
    /// Not signed by a key of this provider.
    Untrusted,
    /// A part of the core is not there now; try again.
    Unavailable,
    /// The box failed.
    Failed,
}

/// A good outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// Done.
    Done,
    /// To `Trust`.
    Trust(Trust),
    /// To `ListVgw`.
    Vgws(Vec<Vgw>),
    /// To `ShowVgw`, `CreateVgw`.
    Vgw(Vgw),
    /// To `InstallBundle`, first: the stream's write end rides with this.
    Upload,
    /// To `ListBundles`.
    Bundles(Vec<Bundle>),
    /// To `ShowBundle`, and `InstallBundle` at its end.
    Bundle(Bundle),
    /// To `ReadLogs`.
    Lines(Vec<Line>),
    /// To `AddGrant`.
    Grant(Grant),
    /// To `ListGrants`.
    Grants(Vec<Grant>),
    /// To `ReadAudit`.
    Audit(Vec<AuditEvent>),
    /// To `ShowCore`.
    Core(Core),
    /// To `PlanVgw`.
    Plan(Plan),
    /// To `SetContract`: in force, but for what needs a restart.
    Changed(Changed),
    /// To `ReadVgwMonths`, `ReadBundleMonths`: oldest first, the present one last.
    Months(Vec<MonthCount>),
    /// To `ExplainBundle`.
    Denials(Vec<Denial>),
}

/// What mgmt needs to serve TLS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trust {
    /// Server certificate chain, PEM.
    pub certificate: String,
    /// Server key, PEM.
    pub key: String,
    /// The operator's authority, PEM.
    pub operator: String,
    /// Providers and their authorities, PEM.
    pub providers: Vec<(Name, String)>,
    /// Goes up whenever any of this changes.
    pub epoch: u64,
    /// The clock's floor: the later of the image's build and the last time seen, seconds.
    pub not_before: u64,
}

/// A virtual gateway as its caller may see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Vgw {
    /// Provider.
    pub provider: Name,
    /// Place.
    pub slot: u16,
    /// Shall it run?
    pub enabled: bool,
    /// Whether its processes are held.
    pub frozen: bool,
    /// Whether the month's volume is spent.
    pub spent: bool,
    /// State.
    pub state: UnitState,
    /// Fault.
    pub fault: Fault,
    /// What went wrong last, in words; empty is nothing.
    pub detail: String,
    /// Restarts of its reaper.
    pub restarts: u32,
    /// Address.
    pub address: [u8; 4],
    /// Contract.
    pub contract: Contract,
    /// What is enforced.
    pub posture: Posture,
    /// Use.
    pub usage: Usage,
    /// What was used so far.
    pub account: Account,
    /// Bundles that are installed.
    pub bundles: u32,
}

/// What a unit uses now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Processor time, microseconds (cgroup v2 `cpu.stat` `usage_usec`).
    pub cpu_us: u64,
    /// Memory, bytes (cgroup v2 `memory.current`).
    pub memory: u64,
    /// Processes and threads (cgroup v2 `pids.current`).
    pub processes: u32,
    /// Bytes on the disk. Of a virtual gateway all, as its quota counts them; of a bundle the files
    /// of its store.
    pub disk: u64,
    /// Files, directories and links on the disk, counted in the same way.
    pub inodes: u64,
}

/// What a unit has used over all its lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Account {
    /// Since it was made.
    pub total: Counters,
    /// The present month.
    pub month: Month,
    /// Since the month began.
    pub counted: Counters,
}

/// What a unit used in one month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthCount {
    /// Which month.
    pub month: Month,
    /// What.
    pub counted: Counters,
}

/// A bundle as its provider sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bundle {
    /// Name.
    pub name: Name,
    /// Version.
    pub version: String,
    /// Anti-rollback counter.
    pub counter: u64,
    /// Description.
    pub description: String,
    /// Digest.
    pub digest: Digest,
    /// State in the store.
    pub state: BundleState,
    /// Shall it run?
    pub enabled: bool,
    /// State of its unit.
    pub unit: UnitState,
    /// Fault.
    pub fault: Fault,
    /// What went wrong last, in words; empty is nothing.
    pub detail: String,
    /// Restarts since it was started by request.
    pub restarts: u32,
    /// Whether its next life stands ready.
    pub spare: bool,
    /// How its main process ended last.
    pub exit: Option<Exit>,
    /// What is enforced.
    pub posture: Posture,
    /// Use.
    pub usage: Usage,
    /// What was used so far.
    pub account: Account,
    /// Address and ports inside.
    pub ports: Vec<(Name, crate::contract::Protocol, u16)>,
    /// Interfaces that it exports.
    pub exports: Vec<Interface>,
    /// Interfaces that it imports.
    pub imports: Vec<Interface>,
}

/// A grant as its caller may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Number.
    pub id: u64,
    /// Whose service.
    pub exporter: Name,
    /// Which.
    pub interface: Interface,
    /// Who may use it.
    pub consumer: Name,
    /// Since when, seconds since 1970.
    pub created: u64,
    /// References in use now.
    pub references: u32,
}

/// One event of the audit trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// Number, from 1, never reused.
    pub number: u64,
    /// Wall-clock milliseconds since 1970.
    pub time_ms: u64,
    /// Who acted.
    pub actor: String,
    /// About whom; none is the box.
    pub provider: Option<Name>,
    /// What happened.
    pub text: String,
}

/// The core itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Core {
    /// Version of the programs.
    pub version: String,
    /// Kernel release.
    pub kernel: String,
    /// Core units.
    pub units: Vec<CoreUnit>,
    /// Memory of the box, bytes.
    pub memory_total: u64,
    /// Memory that is free for use, bytes.
    pub memory_available: u64,
    /// Since init's first instruction, milliseconds.
    pub uptime_ms: u64,
    /// What is wrong with the box, in words.
    pub warnings: Vec<String>,
    /// What its kernel lacks.
    pub lacks: Vec<Lack>,
}

/// Something that the kernel lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lack {
    /// Its name.
    pub name: String,
    /// Whether no virtual gateway is started without it.
    pub required: bool,
    /// What its lack costs.
    pub costs: String,
    /// What to do.
    pub remedy: String,
}

/// A core unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoreUnit {
    /// Its name in the image's table.
    pub name: Name,
    /// State.
    pub state: UnitState,
    /// Restarts since the box booted.
    pub restarts: u32,
    /// Use.
    pub usage: Usage,
    /// What was used so far.
    pub account: Account,
    /// What the kernel enforces on it.
    pub posture: Posture,
}

/// What shall be explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum About {
    /// Everything that was refused.
    Refused,
    /// What the bundle may do with a path of its root.
    Path(String),
    /// What the bundle may do with a port.
    Port(u16),
}

/// Something that was refused to a bundle, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denial {
    /// What.
    pub what: String,
    /// How often; 0 of what was not tried, or is allowed.
    pub count: u64,
    /// First seen, wall-clock milliseconds since 1970; 0 is not known.
    pub first_ms: u64,
    /// Last seen.
    pub last_ms: u64,
    /// The line of manifest or contract that would allow it, or that nothing would.
    pub remedy: String,
}
