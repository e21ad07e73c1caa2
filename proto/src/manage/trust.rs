//! Trust: what mgmt needs to serve TLS
//!
//! The server's own identity, and the authorities by which clients are told apart.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::name::Name;

/// What mgmt needs to serve TLS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trust {
    /// Server certificate chain, PEM.
    pub certificate: String,
    /// Server key, PEM.
    pub key: String,
    /// The operator's authority, PEM.
    pub operator: String,
    /// Providers and their authorities, PEM.
    pub providers: Vec<(Name, String)>,
    /// Goes up whenever any of this changes.
    pub epoch: u64,
    /// The clock's floor: the later of the image's build and the last time seen, seconds.
    pub not_before: u64,
}
