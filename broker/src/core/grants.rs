//! The grants in force
//!
//! The steward owns them; this is the copy that decides. While a new steward link is being
//! filled nobody is granted anything new: grants from before are *stale* until the steward says them
//! again, and `Complete` ends those that it did not.

use std::collections::BTreeMap;

use limen_proto::grant::Grant;
use limen_proto::id::Slot;
use limen_proto::name::Interface;

/// Most grants in force; the steward holds its own number below this.
pub const GRANTS: usize = 1024;

#[derive(Debug, Clone)]
struct Entry {
    grant: Grant,
    stale: bool,
}

/// The table.
#[derive(Debug, Clone, Default)]
pub struct Grants {
    entries: BTreeMap<u64, Entry>,
    complete: bool,
}

impl Grants {
    /// A new link: everything is to be said again.
    pub fn begin(&mut self) {
        self.complete = false;
        for entry in self.entries.values_mut() {
            entry.stale = true;
        }
    }

    /// Everything was said. Returns the grants that were not among it.
    pub fn complete(&mut self) -> Vec<Grant> {
        self.complete = true;
        let stale: Vec<Grant> = self
            .entries
            .values()
            .filter(|entry| entry.stale)
            .map(|entry| entry.grant.clone())
            .collect();
        for grant in &stale {
            self.entries.remove(&grant.id);
        }
        stale
    }

    /// A grant is in force. A table that is full, number 0 and a number that meant something
    /// else before are ignored: a missing grant denies.
    pub fn add(&mut self, grant: Grant) {
        let known = self.entries.get(&grant.id);
        let fits = known.map_or(self.entries.len() < GRANTS, |entry| entry.grant == grant);
        if grant.id != 0 && fits {
            let stale = false;
            self.entries.insert(grant.id, Entry { grant, stale });
        }
    }

    /// A grant is over.
    pub fn remove(&mut self, id: u64) -> Option<Grant> {
        self.entries.remove(&id).map(|entry| entry.grant)
    }

    /// Whether a grant with this number is in force.
    pub fn holds(&self, id: u64) -> bool {
        self.entries.contains_key(&id)
    }

    /// Whether the steward has said everything.
    pub const fn is_complete(&self) -> bool {
        self.complete
    }

    /// The grant, if any, under which `consumer` may now obtain `exporter`'s interface. The
    /// oldest one when there are several.
    pub fn between(&self, exporter: Slot, interface: &Interface, consumer: Slot) -> Option<u64> {
        if !self.complete {
            return None;
        }
        self.entries
            .values()
            .map(|entry| &entry.grant)
            .find(|grant| {
                grant.exporter == exporter
                    && grant.consumer == consumer
                    && grant.interface == *interface
            })
            .map(|grant| grant.id)
    }
}
