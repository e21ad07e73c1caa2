//! Effects: what the core asks the shell to do
//!
//! Small and copied: whatever is large stays in the core's records, where the shell reads it when
//! it carries the effect out. They wait in one bounded channel; [`EFFECTS`] is more than one input
//! can cause, and a full channel is counted, never waited for.

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::channel::Channel;
use limen_proto::id::{Slot, UnitId, UnitRef};

/// Places in the channel. The worst single input is the end of a broker whose 256 references go at
/// once in a shutdown of 96 units, each of which causes at most three effects.
pub const EFFECTS: usize = 1024;

/// The way from the core to the shell.
pub type Effects = Channel<NoopRawMutex, Effect, EFFECTS>;

/// One thing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Begin a life: fresh cgroup, fresh sockets, limen-jail.
    Build(UnitRef),
    /// Begin a life ahead of its time: the same, beside the unit's present life, and held before
    /// its program.
    BuildSpare(UnitRef),
    /// The life that was begun ahead is the unit's present one now: let it go on.
    TakeSpare(UnitRef),
    /// End a life that was begun ahead, and remove what was made for it. Its record is gone already.
    EndSpare(UnitRef),
    /// The limen-jail that builds has come no further for as long as it may take: the next task is
    /// another's.
    LeaveJail,
    /// SIGTERM to the main process.
    Terminate(UnitRef),
    /// SIGKILL to the main process alone.
    Kill(UnitRef),
    /// Kill the cgroup; report `Emptied` when nothing of the life is left. May come again.
    Clear(UnitRef),
    /// Close everything that was kept for this life.
    Release(UnitRef),
    /// What a bundle's lives had in common is not that of its next life.
    Renew(UnitId),
    /// Let limen-jail remove what was made for a virtual gateway; report `Removed`.
    Remove(UnitRef),
    /// Let limen-jail apply the recorded contract of an active virtual gateway.
    Adjust(Slot),
    /// Hold every process of a virtual gateway where it is, or let them go on.
    Freeze(Slot, bool),
    /// Let limen-jail look at an active virtual gateway's link and quota, and tell the steward.
    Count(UnitRef),
    /// Give the steward the kernel's log from now on.
    KernelLog(UnitRef),
    /// The record of a unit is gone: its log pipe, directory and cgroup go too.
    Forget(UnitId),
    /// The unit's visible state changed, or was asked for: tell the steward, and the console.
    Report(UnitId),
    /// Connect two core units.
    Link(UnitRef, UnitRef),
    /// Give the management unit its TCP listener.
    Listen(UnitRef),
    /// Give the broker (first) the listener of a bundle's life (second).
    Listener(UnitRef, UnitRef),
    /// Tell the broker (first) that a bundle's life (second) is over.
    Ended(UnitRef, UnitRef),
    /// Give the broker a stored descriptor back, by its reference.
    Stored(UnitRef, u64),
    /// Close a stored descriptor.
    Close(u64),
    /// Give the logger (first) the read end of a unit's log pipe.
    Source(UnitRef, UnitId),
    /// Tell the logger that a unit is forgotten.
    SourceEnded(UnitRef, UnitId),
    /// Every core unit was active at once, for the first time.
    CoreActive,
    /// Everything has ended, or had its time: sync, then reboot or power off.
    Finish {
        /// Which of the two.
        reboot: bool,
    },
}
