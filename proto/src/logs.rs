//! The log link: steward and logger
//!
//! The logger keeps one capped ring of lines per unit. Lines are numbered from 1 for as long as
//! the ring lives; a reader that names the last number it saw gets what came after, and sees by
//! the numbers what it missed.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::id::UnitId;

/// Steward to logger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// Comes back in the answer.
    pub id: u32,
    /// Whose lines.
    pub unit: UnitId,
    /// Lines behind this number.
    pub after: u64,
    /// At most this many lines (the oldest of those that are left).
    pub limit: u32,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its number.
    pub number: u64,
    /// Wall-clock milliseconds since 1970.
    pub time_ms: u64,
    /// Its text; control characters and invalid UTF-8 are escaped.
    pub text: String,
}

/// Logger to steward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lines {
    /// Of the request.
    pub id: u32,
    /// In order.
    pub lines: Vec<Line>,
}
