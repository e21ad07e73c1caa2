//! A bundle as its provider sees it
//!
//! Two states: of what the store holds, and of the unit that runs.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Account, Usage};
use crate::id::Digest;
use crate::jail::Stored;
use crate::name::{Interface, Name};
use crate::posture::Posture;
use crate::spec::Storage;
use crate::state::{BundleState, Exit, Fault, UnitState};

/// A bundle as its provider sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bundle {
    /// Name.
    pub name: Name,
    /// Version.
    pub version: String,
    /// Anti-rollback counter.
    pub counter: u64,
    /// Description.
    pub description: String,
    /// Digest.
    pub digest: Digest,
    /// State in the store.
    pub state: BundleState,
    /// Shall it run?
    pub enabled: bool,
    /// State of its unit.
    pub unit: UnitState,
    /// Fault.
    pub fault: Fault,
    /// What went wrong last, in words; empty is nothing.
    pub detail: String,
    /// Restarts since it was started by request.
    pub restarts: u32,
    /// Whether its next life stands ready.
    pub spare: bool,
    /// How its main process ended last.
    pub exit: Option<Exit>,
    /// What is enforced.
    pub posture: Posture,
    /// Use.
    pub usage: Usage,
    /// What its volumes hold, as the kernel counts what its uid owns.
    pub stored: Stored,
    /// What they may hold together.
    pub storage: Storage,
    /// What was used so far.
    pub account: Account,
    /// Address and ports inside.
    pub ports: Vec<(Name, crate::contract::Protocol, u16)>,
    /// Interfaces that it exports.
    pub exports: Vec<Interface>,
    /// Interfaces that it imports.
    pub imports: Vec<Interface>,
}
