//! What the core asks and needs answered at once

use limen_proto::account::Counters;
use limen_proto::feature::Feature;
use limen_proto::id::UnitId;
use limen_proto::manage::{AuditEvent, Usage};
use limen_proto::name::Name;

use super::facts;
use super::gauge::{self, Places};
use crate::core::desired::{Change, Marks};
use crate::core::turn::{Capacity, Outside, OutsideError};
use crate::state::Store;

/// The state file and the gauges.
pub(super) struct World {
    pub(super) store: Store,
    pub(super) places: Places,
    pub(super) core_units: Vec<Name>,
    /// Whether something was committed since it was last asked.
    pub(super) committed: bool,
}

impl Outside for World {
    fn commit(&mut self, changes: &[Change], marks: Marks) -> Result<(), OutsideError> {
        self.store
            .commit(changes, marks)
            .map_err(|error| OutsideError(error.to_string()))?;
        self.committed = true;
        Ok(())
    }

    fn events(
        &mut self,
        provider: Option<&Name>,
        after: u64,
        limit: u32,
    ) -> Result<Vec<AuditEvent>, OutsideError> {
        self.store
            .events(provider, after, limit)
            .map_err(|error| OutsideError(error.to_string()))
    }

    fn usage(&mut self, unit: UnitId) -> Usage {
        gauge::usage(&self.places, &self.core_units, unit)
    }

    fn counters(&mut self, unit: UnitId) -> Counters {
        gauge::counters(&self.places, &self.core_units, unit)
    }

    fn capacity(&mut self) -> Capacity {
        gauge::capacity(&self.places)
    }

    fn lacks(&mut self) -> Vec<Feature> {
        facts::lacks(&self.places)
    }
}
