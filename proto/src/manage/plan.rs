//! Contracts that are changed or planned
//!
//! What a contract would come to, and what of one waits for a restart.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::name::Name;

/// What of a changed contract waits for a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Keys of the contract that running bundles keep as they were until they are restarted.
    pub restart: Vec<String>,
    /// How many bundles that concerns.
    pub bundles: u32,
}

/// What a contract would come to; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Everything that stands against it, in words; empty is: it fits.
    pub obstacles: Vec<String>,
    /// Resource by resource.
    pub resources: Vec<Forecast>,
    /// Whose guarantee it would take.
    pub displaced: Vec<Displaced>,
}

/// One resource under a planned contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecast {
    /// Which.
    pub resource: String,
    /// The contract's key.
    pub key: String,
    /// What the numbers count.
    pub unit: String,
    /// What there is for all contracts together.
    pub total: u64,
    /// What the others were promised.
    pub promised: u64,
    /// What this contract asks for.
    pub asked: u64,
    /// What would be left then.
    pub left: u64,
}

/// A guarantee that a planned contract would take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Displaced {
    /// Whose.
    pub provider: Name,
    /// Of which resource.
    pub resource: String,
    /// What the numbers count.
    pub unit: String,
    /// What is guaranteed.
    pub guaranteed: u64,
    /// What would be left of it.
    pub left: u64,
}
