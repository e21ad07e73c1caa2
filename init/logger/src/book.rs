//! All rings, and their common cap
//!
//! Each unit has its own cap, so no unit pushes out another's lines; when all of them together are
//! too much, the largest ring pays.

use std::collections::BTreeMap;

use limen_proto::id::UnitId;
use limen_proto::logs::{Line, Lines, Read};

use crate::ring::Ring;

/// Most bytes of one unit's lines.
pub const UNIT_CAP: usize = 64 * 1024;
/// Most bytes of all units' lines.
pub const TOTAL_CAP: usize = 3 * 1024 * 1024;
/// Most bytes of lines in one answer; its frame has room for a little more.
const ANSWER: usize = 60 * 1024;

/// The lines of all units.
#[derive(Debug, Default)]
pub struct Book {
    rings: BTreeMap<UnitId, Ring>,
    total: usize,
}

impl Book {
    /// Appends a line.
    pub fn push(&mut self, unit: UnitId, time_ms: u64, text: String) {
        let ring = self.rings.entry(unit).or_default();
        let before = ring.size();
        ring.push(time_ms, text, UNIT_CAP);
        self.total = self.total - before + ring.size();
        while self.total > TOTAL_CAP {
            let Some(largest) = self.rings.values_mut().max_by_key(|ring| ring.size()) else {
                return;
            };
            let before = largest.size();
            largest.drop_oldest();
            self.total -= before - largest.size();
        }
    }

    /// Drops a unit's lines.
    pub fn forget(&mut self, unit: UnitId) {
        if let Some(ring) = self.rings.remove(&unit) {
            self.total -= ring.size();
        }
    }

    /// Answers a reader. A unit that never wrote has no lines.
    pub fn read(&self, read: &Read) -> Lines {
        let limit = usize::try_from(read.limit).unwrap_or(usize::MAX);
        let lines: Vec<Line> = self
            .rings
            .get(&read.unit)
            .map(|ring| ring.read(read.after, limit, ANSWER))
            .unwrap_or_default();
        Lines { id: read.id, lines }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use limen_proto::id::Slot;

    #[test]
    fn a_flood_costs_the_flooder_alone() {
        let mut book = Book::default();
        let (quiet, loud) = (UnitId::Core(1), UnitId::Core(2));
        book.push(quiet, 1, "I was here".to_owned());
        for _ in 0..10_000 {
            book.push(loud, 2, "x".repeat(100));
        }
        let read = |unit| Read {
            id: 7,
            unit,
            after: 0,
            limit: 10,
        };
        assert_eq!(book.read(&read(quiet)).lines[0].text, "I was here");
        assert!(book.total <= 2 * UNIT_CAP);
        book.forget(loud);
        assert!(book.read(&read(loud)).lines.is_empty());
        assert_eq!(book.read(&read(loud)).id, 7);
    }

    #[test]
    fn all_together_stay_below_the_cap() {
        let mut book = Book::default();
        for round in 0..700 {
            for number in 0..96u16 {
                let unit = match Slot::new(number) {
                    Ok(slot) => UnitId::Vgw(slot),
                    Err(_) => UnitId::Core(u8::try_from(number).unwrap()),
                };
                book.push(unit, round, "y".repeat(100));
            }
        }
        assert!(book.total <= TOTAL_CAP);
        assert_eq!(
            book.total,
            book.rings.values().map(Ring::size).sum::<usize>()
        );
    }
}
