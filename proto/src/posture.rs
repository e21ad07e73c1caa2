//! Posture: the isolation that the kernel really enforces
//!
//! Reported by limen-jail after it built a unit, never assumed.

use serde::{Deserialize, Serialize};

/// What is enforced on one running unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Posture {
    /// Landlock's ABI in force; 0 is none.
    pub landlock_abi: u8,
    /// A seccomp filter is installed.
    pub seccomp: bool,
    /// A user namespace of its own.
    pub user_namespace: bool,
    /// Programs made in memory cannot be executed (by sysctl on 6.12, by seccomp on 6.1).
    pub memfd_exec_denied: bool,
    /// The disk quota is in force.
    pub disk_quota: bool,
    /// The bandwidth limit is in force in both directions.
    pub shaped: bool,
}
