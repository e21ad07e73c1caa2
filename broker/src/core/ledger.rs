//! The ledger: what is charged to whom, and the share rule
//!
//! Every slot is guaranteed a few entries of each table, whatever the others do; what is left
//! over goes to whoever comes first, up to a ceiling. A charge for slot s is accepted when
//!
//! ```text
//! held(bundle) < per_bundle  and  held(s) < per_slot  and
//! (held(s) < guaranteed  or  sum over slots of max(0, held - guaranteed) < total - guaranteed * SLOTS)
//! ```
//!
//! so a slot below its guarantee is never refused because of another.

use std::collections::BTreeMap;

use limen_proto::id::UnitId;
use limen_proto::limits::{SLOTS, STORED_DESCRIPTORS};

/// The bounds of one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Entries in all.
    pub total: usize,
    /// Entries that a slot always gets.
    pub guaranteed: usize,
    /// Most entries of one slot.
    pub per_slot: usize,
    /// Most entries of one bundle.
    pub per_bundle: usize,
}

/// Services, charged to the bundle that offers them.
pub const SERVICES: Share = Share {
    total: 384,
    guaranteed: 4,
    per_slot: 64,
    per_bundle: 16,
};

/// References, charged to the caller; as many in all as init keeps descriptors.
pub const REFERENCES: Share = Share {
    total: STORED_DESCRIPTORS,
    guaranteed: 4,
    per_slot: 96,
    per_bundle: 32,
};

/// Watched interfaces, charged to the watcher.
pub const WATCHES: Share = Share {
    total: 768,
    guaranteed: 8,
    per_slot: 64,
    per_bundle: 16,
};

/// Connections, charged to whose listener they arrived on.
pub const PEERS: Share = Share {
    total: 384,
    guaranteed: 4,
    per_slot: 64,
    per_bundle: 4,
};

/// The bundle, or its provider, or the box holds as much as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the share of the table is used up")]
pub struct UsedUp;

/// What is held of one table.
#[derive(Debug, Clone)]
pub struct Ledger {
    share: Share,
    slots: [usize; SLOTS],
    bundles: BTreeMap<UnitId, usize>,
}

impl Ledger {
    /// An empty ledger.
    pub const fn new(share: Share) -> Self {
        Self {
            share,
            slots: [0; SLOTS],
            bundles: BTreeMap::new(),
        }
    }

    /// Whether [`Ledger::charge`] would succeed.
    pub fn has_room(&self, unit: UnitId) -> bool {
        let share = &self.share;
        let slot = self.of_slot(unit);
        let beyond: usize = self
            .slots
            .iter()
            .map(|held| held.saturating_sub(share.guaranteed))
            .sum();
        self.of_bundle(unit) < share.per_bundle
            && slot < share.per_slot
            && (slot < share.guaranteed || beyond < share.total - share.guaranteed * SLOTS)
    }

    /// Charges one entry to a bundle.
    ///
    /// # Errors
    /// The share rule refuses; nothing is charged.
    pub fn charge(&mut self, unit: UnitId) -> Result<(), UsedUp> {
        if !self.has_room(unit) {
            return Err(UsedUp);
        }
        self.charge_anyway(unit);
        Ok(())
    }

    /// Charges what exists already: a reference from before a restart of the broker.
    pub fn charge_anyway(&mut self, unit: UnitId) {
        if let Some(held) = slot_of(unit).and_then(|slot| self.slots.get_mut(slot)) {
            *held += 1;
        }
        *self.bundles.entry(unit).or_default() += 1;
    }

    /// Gives one entry back.
    pub fn release(&mut self, unit: UnitId) {
        let Some(held) = self.bundles.get_mut(&unit) else {
            return;
        };
        *held -= 1;
        if *held == 0 {
            self.bundles.remove(&unit);
        }
        if let Some(held) = slot_of(unit).and_then(|slot| self.slots.get_mut(slot)) {
            *held = held.saturating_sub(1);
        }
    }

    /// Entries that a bundle holds.
    pub fn of_bundle(&self, unit: UnitId) -> usize {
        self.bundles.get(&unit).copied().unwrap_or(0)
    }

    fn of_slot(&self, unit: UnitId) -> usize {
        slot_of(unit)
            .and_then(|slot| self.slots.get(slot).copied())
            .unwrap_or(0)
    }

    /// Whether nothing is held: what a test asks when everybody has left.
    pub fn is_empty(&self) -> bool {
        self.bundles.is_empty() && self.slots.iter().all(|held| *held == 0)
    }
}

fn slot_of(unit: UnitId) -> Option<usize> {
    unit.slot().map(|slot| usize::from(slot.get()))
}

#[cfg(test)]
mod tests {
    use limen_proto::id::{BundleIndex, Slot};

    use super::*;

    fn unit(slot: u16, index: u16) -> UnitId {
        UnitId::Bundle(Slot::new(slot).unwrap(), BundleIndex::new(index).unwrap())
    }

    #[test]
    fn greedy_slots_leave_every_other_its_guarantee() {
        for share in [SERVICES, REFERENCES, WATCHES, PEERS] {
            let mut ledger = Ledger::new(share);
            let mut held = 0;
            for slot in 0..16 {
                for index in 0..32 {
                    while ledger.charge(unit(slot, index)).is_ok() {
                        held += 1;
                    }
                    assert!(ledger.of_bundle(unit(slot, index)) <= share.per_bundle);
                }
            }
            assert!(held <= share.total);
            for slot in 16..32 {
                for index in 0..share.guaranteed {
                    let index = u16::try_from(index).unwrap();
                    assert_eq!(ledger.charge(unit(slot, index)), Ok(()), "slot {slot}");
                    held += 1;
                }
            }
            assert!(held <= share.total, "{held} of {}", share.total);
        }
    }

    #[test]
    fn what_is_released_can_be_charged_again() {
        let mut ledger = Ledger::new(PEERS);
        for _ in 0..PEERS.per_bundle {
            ledger.charge(unit(1, 1)).unwrap();
        }
        assert_eq!(ledger.charge(unit(1, 1)), Err(UsedUp));
        ledger.release(unit(1, 1));
        assert_eq!(ledger.charge(unit(1, 1)), Ok(()));
        for _ in 0..PEERS.per_bundle {
            ledger.release(unit(1, 1));
        }
        ledger.release(unit(1, 1));
        assert!(ledger.is_empty());
    }
}
