//! One turn: what comes in, what goes out, and what is asked of the world on the way
//!
//! The core is called with one `Input` and returns a list of `Effect`s that the shell carries out
//! in order. What the core needs to know at once it asks through `Outside`: the commit point above
//! all. An operation that cannot be written down has no effects, so committing is a question, not
//! an effect. Tests stand in for `Outside` with a map.

use limen_proto::account::Counters;
use limen_proto::control::{self, UnitReport};
use limen_proto::feature::Feature;
use limen_proto::grant::{Decision, Use};
use limen_proto::id::{Slot, UnitId, UnitRef};
use limen_proto::install::{Order, Report};
use limen_proto::jail::Found;
use limen_proto::logs;
use limen_proto::manage::{AuditEvent, Call, Push, Usage};
use limen_proto::name::Name;

use super::desired::{Change, Marks};

/// Time as the core sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// Milliseconds since boot; never goes back. Deadlines are kept on it.
    pub monotonic_ms: u64,
    /// Milliseconds since 1970. Only ever written down, never compared but with the floor.
    pub wall_ms: u64,
}

impl Now {
    /// Seconds since 1970.
    pub const fn seconds(self) -> u64 {
        self.wall_ms / 1000
    }
}

/// One run of limen-install.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HandId {
    /// Whose tree it may write.
    pub slot: Slot,
    /// Tells runs apart.
    pub run: u8,
}

/// A core unit that the steward has a link to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// limen-mgmt.
    Management,
    /// limen-broker.
    Broker,
    /// limen-logger.
    Logger,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The steward started: learn what runs.
    Start,
    /// init says what a unit does.
    Reported(UnitReport),
    /// init answered a request.
    Answered {
        /// Of the request.
        id: u32,
        /// The outcome.
        result: Result<(), control::ControlError>,
    },
    /// A link came up, replacing an earlier one.
    Linked(Peer),
    /// A link hung up.
    Unlinked(Peer),
    /// mgmt asks.
    Called(Call),
    /// The broker tells.
    Used(Use),
    /// The logger answers.
    Read(logs::Lines),
    /// A hand tells.
    Handled(HandId, Report),
    /// A hand hung up, or broke the protocol.
    HandGone(HandId),
    /// limen-jail looked at a virtual gateway's link and quota.
    Counted(UnitRef, Found),
    /// The kernel refused a system call to a process of this uid.
    CallRefused {
        /// As the box sees it.
        uid: u32,
        /// Number of the call.
        call: u32,
        /// Of the box's own architecture; others are ended.
        native: bool,
    },
    /// Nothing but time.
    Tick,
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Send a request to init.
    Ask(control::Request),
    /// Make a hand's channel and stream, ask init with this request id to start it, and send it
    /// this order.
    Hand {
        /// Id of the request to init.
        id: u32,
        /// Which hand.
        hand: HandId,
        /// What it shall do.
        order: Order,
    },
    /// Send a running hand another order.
    Tell(HandId, Order),
    /// Answer `Upload` to this call with the write end of the hand's stream.
    Upload {
        /// Of the call.
        call: u32,
        /// Which hand.
        hand: HandId,
    },
    /// Drop the hand's channel and stream.
    Drop(HandId),
    /// Tell the broker.
    Decide(Decision),
    /// Ask the logger.
    ReadLogs(logs::Read),
    /// Tell mgmt.
    Push(Push),
    /// One line for the log.
    Log(String),
}

/// The box could not do what was asked of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OutsideError(pub String);

/// What the box has to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capacity {
    /// Memory in all, bytes.
    pub memory: u64,
    /// Memory free for use, bytes.
    pub memory_available: u64,
    /// Processor cores.
    pub cores: u16,
    /// The data file system, bytes.
    pub disk: u64,
    /// Files that it can hold.
    pub inodes: u64,
}

/// The questions that the core asks and needs answered at once.
pub trait Outside {
    /// Writes the changes in one transaction and returns when they are on the disk.
    ///
    /// # Errors
    /// Nothing was written.
    fn commit(&mut self, changes: &[Change], marks: Marks) -> Result<(), OutsideError>;

    /// Events behind number `after`, in order, at most `limit`: as `provider` may see them, or as
    /// the operator may.
    ///
    /// # Errors
    /// The trail cannot be read.
    fn events(
        &mut self,
        provider: Option<&Name>,
        after: u64,
        limit: u32,
    ) -> Result<Vec<AuditEvent>, OutsideError>;

    /// What a unit uses now; zeros when it does not run.
    fn usage(&mut self, unit: UnitId) -> Usage;

    /// What the present life of a unit has used, as far as its cgroup tells.
    fn counters(&mut self, unit: UnitId) -> Counters;

    /// What the box has.
    fn capacity(&mut self) -> Capacity;

    /// What its kernel lacks; nothing before it was looked at.
    fn lacks(&mut self) -> Vec<Feature>;
}

/// Everything that a step of the core works with.
pub struct Turn<'a> {
    /// When.
    pub now: Now,
    /// The world.
    pub outside: &'a mut dyn Outside,
    /// What to do, in order.
    pub effects: Vec<Effect>,
}

impl<'a> Turn<'a> {
    /// A turn that has no effects yet.
    pub fn new(now: Now, outside: &'a mut dyn Outside) -> Self {
        Self {
            now,
            outside,
            effects: Vec::new(),
        }
    }

    /// Adds an effect.
    pub fn push(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Adds a line of the log.
    pub fn log(&mut self, line: impl Into<String>) {
        self.effects.push(Effect::Log(line.into()));
    }
}
