//! The directory: who is who
//!
//! Filled by the steward only. A peer is served when the life of its unit and its provider are
//! named here; until then it waits, unread.

use std::collections::BTreeMap;

use heapless::Vec;
use limen_proto::id::{Generation, Slot, UnitId, UnitRef};
use limen_proto::name::{Interface, Name};
use limen_proto::registry::Caller;

/// Interfaces that a manifest exports.
pub type Exports = Vec<Interface, 8>;

#[derive(Debug, Clone)]
struct Bundle {
    generation: Generation,
    name: Name,
    exports: Exports,
}

/// Providers by slot, bundles by unit: both kinds of key are bounded by the box's own tables.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    providers: BTreeMap<Slot, Name>,
    bundles: BTreeMap<UnitId, Bundle>,
}

impl Directory {
    /// Names the provider of a slot.
    pub fn name_provider(&mut self, slot: Slot, name: Name) {
        self.providers.insert(slot, name);
    }

    /// Names one life of a bundle. A name for anything but a bundle is ignored.
    pub fn name_bundle(&mut self, unit: UnitRef, name: Name, exports: Exports) {
        if matches!(unit.unit, UnitId::Bundle(..)) {
            self.bundles.insert(
                unit.unit,
                Bundle {
                    generation: unit.generation,
                    name,
                    exports,
                },
            );
        }
    }

    /// Forgets a life that is over; a later life's name stays.
    pub fn forget(&mut self, unit: UnitRef) {
        if self.life(unit).is_some() {
            self.bundles.remove(&unit.unit);
        }
    }

    /// The provider of a slot.
    pub fn provider(&self, slot: Slot) -> Option<&Name> {
        self.providers.get(&slot)
    }

    /// Who this life is, once both its names are known.
    pub fn identity(&self, unit: UnitRef) -> Option<Caller> {
        Some(Caller {
            provider: self.provider(unit.unit.slot()?)?.clone(),
            bundle: self.life(unit)?.name.clone(),
        })
    }

    /// Whether the manifest of this life exports the interface.
    pub fn exports(&self, unit: UnitRef, interface: &Interface) -> bool {
        self.life(unit)
            .is_some_and(|bundle| bundle.exports.contains(interface))
    }

    fn life(&self, unit: UnitRef) -> Option<&Bundle> {
        self.bundles
            .get(&unit.unit)
            .filter(|bundle| bundle.generation == unit.generation)
    }
}
