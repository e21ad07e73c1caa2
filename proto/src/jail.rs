//! The jail protocol: init and limen-jail
//!
//! limen-jail is started with a SOCK_SEQPACKET socket as descriptor 3, takes tasks from it and ends
//! when init hangs up. With each task rides, first, a socket of the same kind for what becomes of
//! it. There, one of:
//!
//! - `Built` with the payload's pidfd, sent by the payload itself when all that is left is to
//!   execute the program, and then end of file: the socket is close-on-exec, so that proves the
//!   execution. Or `Failed` instead of end of file: only executing failed.
//!   A bundle that is held executes too, and is stopped (SIGSTOP) before its first instruction.
//! - `Failed`: a step before failed. Nothing was executed and what was begun is ending; init reaps
//!   processes that it has no pidfd of. For a virtual gateway, `DestroyVgw` removes what is left.
//! - End of file without an answer: what was to become the payload was killed. Nearly always the
//!   memory limit of the unit's cgroup was too small for its own start. Or limen-jail is gone.
//! - `Done`, for tasks that build nothing. limen-jail does those itself, one after the other, and
//!   most wait in the kernel: init has another limen-jail do them, `Open` excepted.
//!
//! With a task that builds rides, second, the directory of the fresh cgroup that the payload is born
//! in, and third the write end of its log.

use serde::{Deserialize, Serialize};

use crate::account::Counters;
use crate::contract::Contract;
use crate::id::Slot;
use crate::limits::BUNDLES_PER_SLOT;
use crate::posture::{Compared, Posture};
use crate::spec::{BundleShare, BundleSpec, VgwSpec};
use crate::table::{CoreUnit, DeviceClass};

/// Descriptor number of the jail's socket to init.
pub const JAIL_DESCRIPTOR: i32 = 3;

/// What limen-jail shall do.
#[allow(
    clippy::large_enum_variant,
    reason = "no allocation in PID 1: a task lies in its frame"
)]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Task {
    /// Build and execute a core unit. Further descriptors: control; for a hand also its channel and
    /// stream.
    Core {
        /// The unit.
        unit: CoreUnit,
        /// The slot that a hand works for.
        slot: Option<Slot>,
    },
    /// Build a virtual gateway and execute its reaper.
    Vgw {
        /// The virtual gateway.
        spec: VgwSpec,
        /// Leave it closed: the box has no route to it, until `Open`.
        held: bool,
    },
    /// Build and execute a bundle. Further descriptors: the reaper's pidfd, the virtual gateway's
    /// user namespace, the directory with its sockets `broker` and `notify`; and the mounts that an
    /// earlier life's `Built` came with, if there was one with this spec in this life of the virtual
    /// gateway.
    Bundle {
        /// The bundle.
        spec: BundleSpec,
        /// What the spec's device classes mean on this box.
        devices: heapless::Vec<DeviceClass, { crate::limits::DEVICES }>,
        /// Stop it behind execve(2), before the first instruction of its program.
        held: bool,
        /// `Ready` was done for it: its `/tmp`, if it has one, rides before the mounts.
        ready: bool,
    },
    /// Make ready for a bundle's next life what depends on nobody's files: give a cgroup that nobody was in its limits, and
    /// make its `/tmp`. Descriptor: the cgroup.
    Ready {
        /// Whose.
        slot: Slot,
        /// Its limits.
        share: BundleShare,
        /// Size of `/tmp`, bytes; 0: it has none.
        temporary: u64,
    },
    /// Read back what the kernel says of a unit that runs, and compare it with what it was built
    /// from. Descriptor: the pidfd of its main process.
    Inspect(Inspected),
    /// Change limits, disk quota, shaping and published ports of a running virtual gateway.
    /// Further descriptor: its network namespace (shaping its side of the link happens in there).
    Adjust {
        /// Which.
        slot: Slot,
        /// The new contract.
        contract: Contract,
        /// What its running bundles have of it.
        shares: heapless::Vec<BundleShare, BUNDLES_PER_SLOT>,
    },
    /// Kill what still runs in a virtual gateway and remove what was made for it: link, firewall
    /// entries, cgroups. Its tree on the disk stays. What is not there is no error. Answers with
    /// what was counted to the end.
    DestroyVgw {
        /// Which.
        slot: Slot,
    },
    /// At boot, once: the firewall table and the box's own network settings. `uplink` is the WAN
    /// device; `listen` the management port.
    PrepareNetwork {
        /// WAN device.
        uplink: crate::name::Name,
        /// Management port.
        listen: u16,
        /// Connections that the box tracks at once; 0 leaves it to the kernel.
        connections: u32,
    },
    /// At boot, once, when what shall run is on its way: look at what the kernel lacks, say it on
    /// standard error and note it for the steward. `network`: it could be prepared.
    NoteFeatures {
        /// Whether `PrepareNetwork` succeeded.
        network: bool,
    },
    /// Close what rides with this: the last descriptor of mounts takes the kernel some time. There
    /// is no answer.
    Close,
    /// Look at what is used of a virtual gateway's link and quotas. Further descriptor: its network
    /// namespace (the shaper of its upload is in there).
    Count {
        /// Which.
        slot: Slot,
    },
    /// Let the link of a virtual gateway carry that was built closed.
    Open {
        /// Which.
        slot: Slot,
    },
}

/// What limen-jail answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// The payload exists. Its pidfd rides with this; for a virtual gateway then its user
    /// namespace and its network namespace. For a bundle that is held, what stops it behind execve(2), to be kept
    /// until end of file; and for one that was given none, a mount namespace with the mounts that all its lives share.
    Built {
        /// Number of the payload in init's pid namespace.
        pid: u32,
        /// What is enforced.
        posture: Posture,
    },
    /// A step failed; nothing was executed.
    Failed {
        /// Which.
        step: Step,
        /// The kernel's reason.
        errno: i32,
    },
    /// `Adjust`, `PrepareNetwork`, `NoteFeatures`, `Open` and `Ready` succeeded. Of `Ready`, a mount that is
    /// `/tmp` rides with it, where one was asked for.
    Done,
    /// `Count` and `DestroyVgw` succeeded.
    Counted(Found),
    /// `Inspect`: how it compares.
    Inspected(Compared),
}

/// What limen-jail found of a virtual gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Found {
    /// What it has used. Of a running one only what its link counted, of a removed one all.
    pub counters: Counters,
    /// On the disk: store, staging and volumes together.
    pub disk: Stored,
    /// Of that, what belongs to each bundle by its place: its volumes.
    pub volumes: [Stored; BUNDLES_PER_SLOT],
    /// Packets that were refused since its link was made.
    pub refused: Refused,
}

/// What somebody has on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Stored {
    /// Bytes.
    pub bytes: u64,
    /// Files, directories and links.
    pub inodes: u64,
}

/// Packets that were refused to a virtual gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Refused {
    /// Neither IPv4 nor for one receiver.
    pub foreign: u64,
    /// From an address that is not its own.
    pub spoofed: u64,
    /// To the box itself.
    pub input: u64,
    /// To where its contract does not let it.
    pub forward: u64,
    /// Beginning a connection beyond its share.
    pub connections: u64,
    /// Dropped by the shaper of its upload.
    pub upload: u64,
    /// Dropped by the shaper of its download.
    pub download: u64,
}

/// A running unit that is to be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspected {
    /// Its main process, in init's pid namespace.
    pub process: u32,
    /// The first process of its virtual gateway, in init's pid namespace; 0 for a core unit, and
    /// for a virtual gateway itself.
    pub reaper: u32,
    /// Whether it is a bundle that has the second of its two cgroup names.
    pub second_name: bool,
    /// What it was built from.
    pub unit: Built,
}

/// What a unit was built from, as in the task that built it.
#[allow(
    clippy::large_enum_variant,
    reason = "no allocation in PID 1: a task lies in its frame"
)]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Built {
    /// A core unit that is no hand.
    Core(CoreUnit),
    /// A hand: its entry, the slot that it works for, and its run.
    Hand(CoreUnit, Slot, u8),
    /// A virtual gateway.
    Vgw(VgwSpec),
    /// A bundle.
    Bundle(BundleSpec),
}

/// A step of the recipe, in its order (`KERNEL.md`, recipes C and D).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Step {
    /// Reading the task.
    Task,
    /// Limits of the cgroup.
    Cgroup,
    /// Namespaces, or joining them.
    Namespaces,
    /// The link, its addresses, routes and shaping.
    Network,
    /// Firewall entries.
    Firewall,
    /// Sysctls of the new namespaces.
    Sysctls,
    /// Root file system, /proc, /dev, binds, volumes.
    Mounts,
    /// Resource limits and the out-of-memory score.
    Limits,
    /// Closing what the payload must not inherit.
    Descriptors,
    /// User namespace, uid, gid, groups, capabilities, no_new_privs.
    Identity,
    /// Landlock.
    Landlock,
    /// seccomp.
    Seccomp,
    /// Executing the program.
    Exec,
    /// Disk quota of the slot's tree.
    Quota,
    /// Reading back what is enforced.
    Posture,
    /// The Landlock ABI that the contract insists on.
    MinimumLandlockAbi,
    /// The contract insists that programs in memory are not executed.
    MinimumMemfdExecDenied,
    /// The disk quota that the contract insists on.
    MinimumDiskQuota,
    /// The bandwidth limits that the contract insists on.
    MinimumShaped,
}
