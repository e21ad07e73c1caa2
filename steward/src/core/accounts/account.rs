//! One account: differences added up
//!
//! Pure. Whatever it is told, in whatever order: a value that was counted is never counted again,
//! sums never go down, and a value of a record of init counts once, however often it was read.

use std::collections::BTreeMap;

use limen_proto::account::{Counters, Era};
use limen_proto::manage;
use limen_proto::month::Month;

/// What one unit has used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Account {
    /// The record of init that was counted last.
    pub era: Era,
    /// What of it was counted.
    pub seen: Counters,
    /// Since the account began.
    pub total: Counters,
    /// The present month.
    pub month: Month,
    /// Since the month began.
    pub counted: Counters,
}

impl Account {
    /// Counts what a record has used by now. `memory` is what it has at this moment: a peak of an
    /// earlier month is not one of this. Returns what was added.
    pub fn count(&mut self, era: Era, now: Counters, memory: u64) -> Counters {
        if era != self.era {
            self.era = era;
            self.seen = Counters::default();
        }
        let mut added = now.since(self.seen);
        let grew = now.memory_peak > self.seen.memory_peak;
        added.memory_peak = if grew { now.memory_peak } else { memory };
        self.seen = now.at_least(self.seen);
        self.total = self.total.and(added);
        self.counted = self.counted.and(added);
        added
    }

    /// Adds what was not read from this record.
    pub fn add(&mut self, more: Counters) {
        self.total = self.total.and(more);
        self.counted = self.counted.and(more);
    }

    /// Another month is the present one. `earlier` holds the months before it.
    pub fn turn_to(&mut self, month: Month, earlier: &mut BTreeMap<Month, Counters>) {
        if month > self.month {
            if self.counted != Counters::default() {
                earlier.insert(self.month, self.counted);
            }
            self.counted = Counters::default();
        } else if month < self.month {
            let taken = earlier.split_off(&month);
            self.counted = taken.into_values().fold(self.counted, Counters::and);
        }
        self.month = month;
    }

    /// As its owner is shown it.
    pub const fn shown(&self) -> manage::Account {
        manage::Account {
            total: self.total,
            month: self.month,
            counted: self.counted,
        }
    }

    /// Whether so much was added since `written` that it should not wait for long.
    pub fn moved_much(&self, written: &Self) -> bool {
        let moved = self.total.since(written.total);
        let (processor, traffic) = super::LITTLE;
        moved.cpu_us > processor
            || moved.traffic() > traffic
            || moved.oom_kills > 0
            || moved.restarts > 0
    }
}
