//! What is used, and what was
//!
//! Now, since the beginning, and by calendar month.

use serde::{Deserialize, Serialize};

use crate::account::Counters;
use crate::month::Month;

/// What a unit uses now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Processor time, microseconds (cgroup v2 `cpu.stat` `usage_usec`).
    pub cpu_us: u64,
    /// Memory, bytes (cgroup v2 `memory.current`).
    pub memory: u64,
    /// Processes and threads (cgroup v2 `pids.current`).
    pub processes: u32,
    /// Bytes on the disk. Of a virtual gateway all, as its quota counts them; of a bundle its files
    /// in the store.
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
