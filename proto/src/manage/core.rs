//! The core itself
//!
//! For the operator alone.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Account, Usage};
use crate::name::Name;
use crate::posture::Posture;
use crate::state::UnitState;

/// The core itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Core {
    /// Version of the programs.
    pub version: String,
    /// Kernel release.
    pub kernel: String,
    /// Core units.
    pub units: Vec<CoreUnit>,
    /// Memory of the box, bytes.
    pub memory_total: u64,
    /// Memory that is free for use, bytes.
    pub memory_available: u64,
    /// Since init's first instruction, milliseconds.
    pub uptime_ms: u64,
    /// What is wrong with the box, in words.
    pub warnings: Vec<String>,
    /// What its kernel lacks.
    pub lacks: Vec<Lack>,
}

/// A core unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoreUnit {
    /// Its name in the image's table.
    pub name: Name,
    /// State.
    pub state: UnitState,
    /// Restarts since the box booted.
    pub restarts: u32,
    /// Use.
    pub usage: Usage,
    /// What was used so far.
    pub account: Account,
    /// What the kernel enforces on it.
    pub posture: Posture,
}

/// Something that the kernel lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lack {
    /// Its name.
    pub name: String,
    /// Whether no virtual gateway is started without it.
    pub required: bool,
    /// What its lack costs.
    pub costs: String,
    /// What to do.
    pub remedy: String,
}
