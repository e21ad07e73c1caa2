//! Events of the audit trail
//!
//! Numbered, so that a reader sees what it missed.

use alloc::string::String;

use serde::{Deserialize, Serialize};

use crate::name::Name;

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
