//! References: who holds what
//!
//! One entry for each kept descriptor. An entry outlives the broker, in init's descriptor store,
//! and may name a service of an earlier broker's life.

use std::collections::{BTreeMap, BTreeSet};

use limen_proto::id::UnitRef;

/// What is known of a reference; also what init keeps beside its descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// Who obtained it.
    pub caller: UnitRef,
    /// Who serves.
    pub service: UnitRef,
    /// Which service.
    pub service_id: u64,
    /// Under which grant; 0 within one provider.
    pub grant: u64,
}

/// The table. Bounded by the ledger of the registry.
#[derive(Debug, Clone, Default)]
pub struct References {
    records: BTreeMap<u64, Record>,
}

impl References {
    /// Adds a reference under a number that was never used.
    pub fn add(&mut self, id: u64, record: Record) {
        self.records.insert(id, record);
    }

    /// Removes a reference.
    pub fn remove(&mut self, id: u64) -> Option<Record> {
        self.records.remove(&id)
    }

    /// Numbers of those that fit.
    pub fn of(&self, mut fits: impl FnMut(&Record) -> bool) -> Vec<u64> {
        self.records
            .iter()
            .filter(|(_, record)| fits(record))
            .map(|(id, _)| *id)
            .collect()
    }

    /// The grant of each reference that crosses providers.
    pub fn held_under_grants(&self) -> impl Iterator<Item = u64> {
        let grants = self.records.values().map(|record| record.grant);
        grants.filter(|grant| *grant != 0)
    }

    /// Grants under which references exist, each once.
    pub fn grants(&self) -> BTreeSet<u64> {
        self.held_under_grants().collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}
