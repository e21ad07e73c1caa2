//! The descriptor store: what the broker lets init keep
//!
//! One record per reference, tagged with both units. The descriptor itself lies in the shell. While
//! a broker runs, it closes; while none does, a record goes when either of its units ends. A new
//! broker gets every record whose units still live.

use limen_proto::control::ControlError;
use limen_proto::id::UnitRef;
use limen_proto::table::Role;

use super::effect::Effect;
use super::state::State;
use super::supervisor::Supervisor;

/// One stored reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// The broker's number for it.
    pub reference: u64,
    /// The caller's life.
    pub caller: UnitRef,
    /// The serving life.
    pub service: UnitRef,
    /// The broker's own record.
    pub service_id: u64,
    /// The grant; 0 within one provider.
    pub grant: u64,
}

impl Supervisor {
    /// The record of a reference.
    pub fn record(&self, reference: u64) -> Option<&Record> {
        self.stored.iter().find(|one| one.reference == reference)
    }

    /// Keeps a record. On success the shell keeps the descriptor under the same number.
    pub(super) fn store(&mut self, record: Record) -> Result<(), ControlError> {
        if self.record(record.reference).is_some() {
            return Err(ControlError::Busy);
        }
        if self.is_over(record.caller) || self.is_over(record.service) {
            return Err(ControlError::Unknown);
        }
        self.stored.push(record).map_err(|_| ControlError::Full)
    }

    /// Drops a record and its descriptor.
    pub(super) fn drop_stored(&mut self, reference: u64) -> Result<(), ControlError> {
        let place = self
            .stored
            .iter()
            .position(|one| one.reference == reference)
            .ok_or(ControlError::Unknown)?;
        self.stored.swap_remove(place);
        self.push(Effect::Close(reference));
        Ok(())
    }

    /// The life of a bundle is over: the broker hears of it, or its references go here.
    pub(super) fn end_bundle(&mut self, life: UnitRef) {
        if let Some(broker) = self.live(Role::Broker) {
            self.push(Effect::Ended(broker, life));
        } else {
            self.close_over();
        }
    }

    /// Gives a new broker what still makes sense.
    pub(super) fn replay_stored(&mut self, broker: UnitRef) {
        self.close_over();
        for place in 0..self.stored.len() {
            if let Some(reference) = self.stored.get(place).map(|one| one.reference) {
                self.push(Effect::Stored(broker, reference));
            }
        }
    }

    fn close_over(&mut self) {
        while let Some(reference) = self
            .stored
            .iter()
            .find(|one| self.is_over(one.caller) || self.is_over(one.service))
            .map(|one| one.reference)
        {
            let _ = self.drop_stored(reference);
        }
    }

    /// Whether a life has ended, or never was.
    fn is_over(&self, life: UnitRef) -> bool {
        self.unit(life.unit).is_none_or(|unit| {
            unit.generation != life.generation
                || !unit.state.occupied()
                || matches!(unit.state, State::Clearing(_))
        })
    }
}
