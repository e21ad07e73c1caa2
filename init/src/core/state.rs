//! The states of one unit, and what can happen to it
//!
//! Finer than the five states that TR-181 names and that the steward sees: each state here answers
//! "what is being waited for". [`State::seen`] folds them.

use limen_proto::state::UnitState;

/// What one unit is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Nothing; nothing of it runs.
    Idle,
    /// limen-jail's word that the payload exists.
    Building,
    /// The proof that the payload executed its program.
    Executing,
    /// The program's own word that it is ready.
    Readying,
    /// Nothing; it serves.
    Active,
    /// The end of every bundle of this virtual gateway.
    Draining,
    /// The end of the main process, which was asked to end.
    Terminating,
    /// An empty cgroup, after `cgroup.kill`.
    Clearing(After),
    /// limen-jail's word that what was made for this virtual gateway is gone.
    Removing(After),
    /// The time of the next restart.
    Waiting,
    /// What it lives in: a bundle's virtual gateway, or the box's network.
    Awaiting,
}

/// What follows when nothing of a life is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum After {
    /// Rest.
    Idle,
    /// A restart, by the unit's policy.
    Restart,
    /// A restart as soon as its virtual gateway is back; the policy's count is not touched, for it
    /// was not the unit that failed.
    Await,
}

/// What happens to one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Input {
    /// It shall run.
    Start,
    /// limen-jail made the payload.
    Built,
    /// The payload executed its program.
    Executed,
    /// The payload could not be made.
    Failed,
    /// The program says that it is ready.
    Ready,
    /// The main process ended.
    Ended,
    /// Nothing of this life is left: processes reaped, cgroup removed.
    Emptied,
    /// What was made for a virtual gateway is gone, or could not be removed.
    Removed,
    /// The state's deadline has passed.
    Expired,
    /// No bundle of this virtual gateway runs any more.
    Drained,
    /// It shall not run.
    Stop,
    /// The virtual gateway of this bundle is gone, and its pid namespace with it; or limen-jail ended
    /// before it came to this life. It is not the unit that failed.
    Lost,
    /// The virtual gateway of this bundle is active, or the box's network is prepared.
    Restored,
}

impl State {
    /// The state as TR-181 names it.
    pub const fn seen(self) -> UnitState {
        match self {
            Self::Idle => UnitState::Idle,
            Self::Building | Self::Executing | Self::Readying => UnitState::Starting,
            Self::Active => UnitState::Active,
            Self::Draining
            | Self::Terminating
            | Self::Clearing(After::Idle)
            | Self::Removing(After::Idle) => UnitState::Stopping,
            Self::Clearing(After::Restart | After::Await)
            | Self::Removing(After::Restart | After::Await)
            | Self::Waiting
            | Self::Awaiting => UnitState::Restarting,
        }
    }

    /// Whether what ends this state is the doing of the unit's own processes: its deadline stands
    /// still while they are frozen. What ends the others, a kill above all, takes effect on frozen
    /// processes too.
    pub const fn pauses(self) -> bool {
        match self {
            Self::Building | Self::Executing | Self::Readying | Self::Active => true,
            Self::Idle
            | Self::Draining
            | Self::Terminating
            | Self::Clearing(_)
            | Self::Removing(_)
            | Self::Waiting
            | Self::Awaiting => false,
        }
    }

    /// Whether a process of this unit may exist.
    pub const fn occupied(self) -> bool {
        match self {
            Self::Building
            | Self::Executing
            | Self::Readying
            | Self::Active
            | Self::Draining
            | Self::Terminating
            | Self::Clearing(_) => true,
            Self::Idle | Self::Removing(_) | Self::Waiting | Self::Awaiting => false,
        }
    }
}
