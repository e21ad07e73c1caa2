//! Denials, explained
//!
//! What was refused to a bundle, for its provider alone.

use alloc::string::String;

use serde::{Deserialize, Serialize};

/// What shall be explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum About {
    /// Everything that was refused.
    Refused,
    /// What the bundle may do with a path of its root.
    Path(String),
    /// What the bundle may do with a port.
    Port(u16),
}

/// Something that was refused to a bundle, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denial {
    /// What.
    pub what: String,
    /// How often; 0 of what was not tried, or is allowed.
    pub count: u64,
    /// First seen, wall-clock milliseconds since 1970; 0 is not known.
    pub first_ms: u64,
    /// Last seen.
    pub last_ms: u64,
    /// The line of manifest or contract that would allow it, or that nothing would.
    pub remedy: String,
}
