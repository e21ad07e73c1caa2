//! The grant link: steward and broker
//!
//! The steward tells the broker who is who and who may use what; the broker reports use. After a
//! new link the steward first sends everything and then `Complete`; until then the broker answers
//! look-ups across providers with "not found".

use serde::{Deserialize, Serialize};

use crate::id::{Slot, UnitRef};
use crate::name::{Interface, Name};

/// A permission for one provider's bundles to use another's service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Never reused, never 0.
    pub id: u64,
    /// Whose service.
    pub exporter: Slot,
    /// Which service.
    pub interface: Interface,
    /// Who may use it.
    pub consumer: Slot,
}

/// Steward to broker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decision {
    /// A virtual gateway's provider.
    Provider {
        /// Place.
        slot: Slot,
        /// Name.
        name: Name,
    },
    /// A bundle's name; whoever arrives on that unit's listener is this bundle.
    Bundle {
        /// Which life of which unit.
        unit: UnitRef,
        /// Its name.
        name: Name,
        /// Interfaces that its manifest exports; it may register no other.
        exports: heapless::Vec<Interface, 8>,
    },
    /// A grant is in force.
    Grant(Grant),
    /// A grant is no longer in force: every reference obtained under it is cut.
    Revoke {
        /// Which.
        id: u64,
    },
    /// Everything that was in force before was sent. Grants that were not among it are over.
    Complete,
}

/// Broker to steward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Use {
    /// A revocation took effect.
    Revoked {
        /// Which grant.
        id: u64,
        /// References that were cut.
        references: u32,
    },
    /// A reference across providers was handed out under a grant. Behind `Complete` it is said
    /// again for each one that is held already: counts begin at zero with a link.
    Handed {
        /// Which grant.
        id: u64,
    },
    /// A reference across providers ended.
    Released {
        /// Which grant.
        id: u64,
    },
    /// A peer broke the protocol and was disconnected.
    Blamed {
        /// Whose fault.
        unit: UnitRef,
    },
}
