//! States and faults, by their TR-181 names
//!
//! Source: Broadband Forum TR-181 Issue 2, `SoftwareModules.ExecutionUnit` (Status,
//! ExecutionFaultCode) and `SoftwareModules.DeploymentUnit` (Status).

use core::fmt;

use serde::{Deserialize, Serialize};

/// What a unit is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum UnitState {
    /// Not running, and nothing is under way.
    Idle,
    /// Being built, or running and not ready yet.
    Starting,
    /// Running and ready.
    Active,
    /// Being ended.
    Stopping,
    /// Ended by itself; waits to be started again.
    Restarting,
    /// Not running, and its next life stands ready: a start only opens it. Ours: TR-181 calls it
    /// `Idle`, and so does init, which says beside it that there is a spare.
    Parked,
}

/// What a bundle is doing in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BundleState {
    /// Being verified and unpacked for the first time.
    Installing,
    /// In the store and startable.
    Installed,
    /// A newer version is being verified and unpacked.
    Updating,
    /// Being removed.
    Uninstalling,
    /// Removed; only its record remains.
    Uninstalled,
}

/// Why a unit is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Fault {
    /// Nothing is wrong.
    NoFault,
    /// A start that was asked for failed.
    FailureOnStart,
    /// A start at boot failed.
    FailureOnAutoStart,
    /// It did not end in time and was killed.
    FailureOnStop,
    /// It ended by itself while it was active.
    FailureWhileActive,
    /// Something that it needs is not there.
    DependencyFailure,
    /// Restarting was given up.
    UnStartable,
    /// The kernel ended it for want of memory: its limit, or its virtual gateway's, was reached. Ours:
    /// TR-181 has no code for it, and lets vendors add their own behind `X_`.
    OutOfMemory,
}

macro_rules! display_as_debug {
    ($($type:ty),*) => {$(
        impl fmt::Display for $type {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self, out)
            }
        }
    )*};
}
display_as_debug!(UnitState, BundleState);

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfMemory => out.pad("X_LIMEN_OutOfMemory"),
            standard => fmt::Debug::fmt(standard, out),
        }
    }
}

/// How a unit's main process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Exit {
    /// It returned this status.
    Status(u8),
    /// This signal ended it.
    Signal(u8),
}
