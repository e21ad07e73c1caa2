//! Refusals
//!
//! What a caller may not see is `NotFound`, with the text of something that does not exist.

use alloc::string::String;

use serde::{Deserialize, Serialize};

/// Why the steward refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What kind.
    pub kind: RefusalKind,
    /// What exactly; lower case, no full stop, with the remedy when it is known.
    pub message: String,
}

/// What kind of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefusalKind {
    /// No such thing, or not for this caller.
    NotFound,
    /// The caller's role does not have this verb.
    Forbidden,
    /// The argument breaks a rule.
    Invalid,
    /// It exists already, or is in a state that does not allow this.
    Conflict,
    /// It does not fit the box or the contract.
    NotAdmitted,
    /// Not signed by a key of this provider.
    Untrusted,
    /// A part of the core is not there now; try again.
    Unavailable,
    /// The box failed.
    Failed,
}
