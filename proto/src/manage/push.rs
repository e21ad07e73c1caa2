//! What the steward sends
//!
//! Answers, and what it tells unasked.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{
    AuditEvent, Bundle, Changed, Core, Denial, Grant, MonthCount, Plan, Refusal, Trust, Vgw,
};
use crate::logs::Line;

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
