//! The control protocol: init and its core units
//!
//! Spoken on the socket that every core unit inherits as descriptor 3. Which verbs an end may use
//! is fixed by the role of the unit that sits at it; any other verb is answered `Forbidden`.
//! Normative text: docs/reference/control.md.

use serde::{Deserialize, Serialize};

use crate::account::{Counters, Era};
use crate::contract::Contract;
use crate::id::{Slot, UnitId, UnitRef};
use crate::jail::{Found, Step};
use crate::limits::BUNDLES_PER_SLOT;
use crate::name::Name;
use crate::posture::Posture;
use crate::restart::RestartPolicy;
use crate::spec::{BundleShare, BundleSpec, VgwSpec};
use crate::state::{Exit, Fault, UnitState};
use crate::table::Role;

/// Descriptor number of the control socket in every core unit.
pub const CONTROL_DESCRIPTOR: i32 = 3;
/// Descriptor number of a hand's channel to the steward.
pub const HAND_CHANNEL: i32 = 4;
/// Descriptor number of a hand's upload stream.
pub const HAND_STREAM: i32 = 5;

/// A request of a core unit. `id` comes back in the reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Chosen by the sender.
    pub id: u32,
    /// What is asked.
    pub verb: Verb,
}

/// What a core unit may ask of init.
#[allow(
    clippy::large_enum_variant,
    reason = "no allocation in PID 1: a verb lies in its frame"
)]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verb {
    /// Any role: it is ready.
    Ready,
    /// Any role: it is alive.
    Watchdog,
    /// Steward: build and start a virtual gateway.
    StartVgw {
        /// What to build.
        spec: VgwSpec,
        /// What to do when its reaper ends.
        restart: RestartPolicy,
        /// The steward's own mark, reported back (it tells a restarted steward what runs).
        tag: u64,
    },
    /// Steward: build and start a bundle in a virtual gateway that is `Active`.
    StartBundle {
        /// What to build.
        spec: BundleSpec,
        /// What to do when it ends by itself.
        restart: RestartPolicy,
        /// The steward's own mark.
        tag: u64,
    },
    /// Steward: start limen-install for a slot. Rides with two descriptors: the hand's channel
    /// and its upload stream.
    StartHand {
        /// Whose tree it may write.
        slot: Slot,
        /// Tells runs apart.
        run: u8,
    },
    /// Steward: end a unit (and, for a virtual gateway, all its bundles) and keep its record `Idle`.
    Stop {
        /// Which.
        unit: UnitId,
    },
    /// Steward: change the limits of a running virtual gateway and of its bundles. Answered when
    /// the kernel has taken them, or has not. What init starts again by itself has them too.
    Adjust {
        /// Which.
        slot: Slot,
        /// The new contract.
        contract: Contract,
        /// What its bundles have of it. One that init does not know is no error.
        shares: heapless::Vec<BundleShare, BUNDLES_PER_SLOT>,
    },
    /// Steward: forget an `Idle` unit, its record and what was made for it.
    Forget {
        /// Which.
        unit: UnitId,
    },
    /// Steward: report every unit; ends with the reply.
    List,
    /// Steward: end everything in order, then reboot or power off.
    Shutdown {
        /// Which of the two.
        reboot: bool,
    },
    /// Broker: keep the descriptor that rides with it. Closed by init when either unit ends and
    /// no broker is there to do it.
    Store {
        /// The broker's number for the reference.
        reference: u64,
        /// The caller's unit.
        caller: UnitRef,
        /// The serving unit.
        service: UnitRef,
        /// Opaque to init: the broker's own record.
        service_id: u64,
        /// The grant under which it was obtained; 0 within one provider.
        grant: u64,
    },
    /// Broker: drop a stored descriptor.
    Drop {
        /// The broker's number for the reference.
        reference: u64,
    },
    /// Steward: end the process of a unit with SIGKILL; its restart policy decides what follows.
    Kill {
        /// Which.
        unit: UnitId,
    },
    /// Steward: hold every process of an active virtual gateway where it is, or let them go on.
    Freeze {
        /// Which.
        slot: Slot,
        /// Hold, or let go.
        frozen: bool,
    },
    /// Steward: let limen-jail look at what only root may see of an active virtual gateway: its
    /// link and its quota. `Counted` tells.
    Count {
        /// Which.
        slot: Slot,
    },
    /// Steward: keep a virtual gateway that is `Idle` parked: its next life built, and closed to
    /// the network, until `StartVgw` with the same spec opens it. `Stop` ends that. Answered when it
    /// was accepted; a report with `spare` says when it stands.
    Park {
        /// What to build.
        spec: VgwSpec,
        /// The steward's own mark.
        tag: u64,
    },
}

/// What init tells a core unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The answer to a request. Starting answers when the start was accepted; reports tell the
    /// rest. Adjusting answers when it is done.
    Reply {
        /// Of the request.
        id: u32,
        /// The outcome.
        result: Result<(), ControlError>,
    },
    /// Steward: a unit changed, or was asked for by `List`.
    Report(UnitReport),
    /// A connected socket to another core unit rides with this.
    Link {
        /// Who sits at the other end.
        peer: Role,
    },
    /// Broker: a bundle's listening socket rides with this. Management: its TCP listener
    /// (the unit is its own).
    Listener {
        /// Whoever connects there speaks for this unit.
        unit: UnitRef,
    },
    /// Broker, after its start: a descriptor that an earlier broker stored rides with this.
    Stored {
        /// The broker's number for the reference.
        reference: u64,
        /// The caller's unit.
        caller: UnitRef,
        /// The serving unit.
        service: UnitRef,
        /// As stored.
        service_id: u64,
        /// As stored.
        grant: u64,
    },
    /// Broker: this life of a unit is over.
    Ended {
        /// Which.
        unit: UnitRef,
    },
    /// Logger: the read end of a unit's log pipe rides with this. The pipe outlives restarts.
    Source {
        /// Who writes there.
        unit: UnitId,
        /// Its name, for people.
        name: Name,
    },
    /// Logger: a unit is forgotten, its ring may go.
    SourceEnded {
        /// Who wrote there.
        unit: UnitId,
    },
    /// Steward: what `Count` asked for.
    Counted {
        /// Of which life.
        unit: UnitRef,
        /// What was found.
        found: Found,
    },
    /// Steward: the kernel's log from now on, to read, rides with this.
    KernelLog,
}

/// A unit as init sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitReport {
    /// Which life of which unit.
    pub unit: UnitRef,
    /// What it is doing.
    pub state: UnitState,
    /// Why it is not what it should be.
    pub fault: Fault,
    /// Restarts since it was started by request.
    pub restarts: u32,
    /// Main process in the box's pid namespace; 0 is none.
    pub pid: u32,
    /// How the last main process ended.
    pub exit: Option<Exit>,
    /// The step of limen-jail that failed last, and its errno.
    pub failed: Option<(Step, i32)>,
    /// The steward's own mark.
    pub tag: u64,
    /// What is enforced on it.
    pub posture: Posture,
    /// Started this many milliseconds after init's first instruction; 0 before the first start.
    pub since_ms: u64,
    /// A virtual gateway that is held by `Freeze`, in this life and in those to come.
    pub frozen: bool,
    /// Tells this record from any other.
    pub era: Era,
    /// What its ended lives have used.
    pub spent: Counters,
    /// A bundle whose next life stands ready, or a virtual gateway that is parked.
    pub spare: bool,
}

/// Why init refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ControlError {
    /// The frame was not a request.
    #[error("init could not read the request")]
    Malformed,
    /// The role does not have this verb.
    #[error("this unit may not ask for that")]
    Forbidden,
    /// No such unit.
    #[error("init does not know that unit")]
    Unknown,
    /// The unit runs already, or is ending.
    #[error("the unit is not idle")]
    Busy,
    /// The virtual gateway that a bundle needs is not active.
    #[error("its virtual gateway is not active")]
    NoVgw,
    /// A table is full.
    #[error("init's table is full")]
    Full,
    /// The descriptors that ride with the request are missing or too many.
    #[error("the request came with the wrong descriptors")]
    Descriptors,
    /// The box is going down.
    #[error("the box is shutting down")]
    ShuttingDown,
    /// The kernel refused: errno.
    #[error("the kernel refused with errno {0}")]
    Kernel(i32),
    /// The virtual gateway is frozen: nothing is started in it.
    #[error("its virtual gateway is frozen")]
    Frozen,
}

/// Where init makes a directory for each life of a bundle, with its sockets `broker` and `notify`.
pub const BUNDLE_RUN: &str = "/run/limen/bundle";
