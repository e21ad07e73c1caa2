//! A grant as its caller may see it
//!
//! Exporters, consumers and, where it crosses providers, the operator see it.

use serde::{Deserialize, Serialize};

use crate::name::{Interface, Name};

/// A grant as its caller may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Number.
    pub id: u64,
    /// Whose service.
    pub exporter: Name,
    /// Which.
    pub interface: Interface,
    /// Who may use it.
    pub consumer: Name,
    /// Since when, seconds since 1970.
    pub created: u64,
    /// References in use now.
    pub references: u32,
}
