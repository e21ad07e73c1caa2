//! A virtual gateway as its caller may see it
//!
//! The same for the operator and for the provider that owns it.

use alloc::string::String;

use serde::{Deserialize, Serialize};

use super::{Account, Usage};
use crate::contract::Contract;
use crate::name::Name;
use crate::posture::Posture;
use crate::state::{Fault, UnitState};

/// A virtual gateway as its caller may see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Vgw {
    /// Provider.
    pub provider: Name,
    /// Place.
    pub slot: u16,
    /// Shall it run?
    pub enabled: bool,
    /// Whether its processes are held.
    pub frozen: bool,
    /// Whether the month's volume is spent.
    pub spent: bool,
    /// State.
    pub state: UnitState,
    /// Fault.
    pub fault: Fault,
    /// What went wrong last, in words; empty is nothing.
    pub detail: String,
    /// Restarts of its reaper.
    pub restarts: u32,
    /// Address.
    pub address: [u8; 4],
    /// Contract.
    pub contract: Contract,
    /// What is enforced.
    pub posture: Posture,
    /// Use.
    pub usage: Usage,
    /// What was used so far.
    pub account: Account,
    /// What limen-install used for it so far, which is not in `account`.
    pub install: Account,
    /// What was enforced on the last run of limen-install for it that was read back.
    pub install_posture: Posture,
    /// Bundles that are installed.
    pub bundles: u32,
}
