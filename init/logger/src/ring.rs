//! One unit's last lines
//!
//! Lines are numbered from 1 for as long as the ring lives; the oldest go first. The size counts
//! what a line costs in memory, not only its text, so that empty lines are not free.

use std::collections::VecDeque;

use limen_proto::logs::Line;

/// What a line costs besides its text, bytes.
pub const LINE_COST: usize = 64;

/// The lines of one unit.
#[derive(Debug, Default)]
pub struct Ring {
    lines: VecDeque<Line>,
    size: usize,
    last: u64,
}

impl Ring {
    /// Appends a line and drops old ones until at most `cap` bytes are held.
    pub fn push(&mut self, time_ms: u64, text: String, cap: usize) {
        self.last += 1;
        self.size += cost(&text);
        self.lines.push_back(Line {
            number: self.last,
            time_ms,
            text,
        });
        while self.size > cap && self.drop_oldest() {}
    }

    /// Drops the oldest line. False when there is none.
    pub fn drop_oldest(&mut self) -> bool {
        let Some(line) = self.lines.pop_front() else {
            return false;
        };
        self.size -= cost(&line.text);
        true
    }

    /// Bytes held.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The oldest lines behind number `after`: at most `limit`, and at most `bytes` of them, so
    /// that they fit a frame.
    pub fn read(&self, after: u64, limit: usize, bytes: usize) -> Vec<Line> {
        let mut left = bytes;
        self.lines
            .iter()
            .skip_while(|line| line.number <= after)
            .take(limit)
            .map_while(|line| {
                left = left.checked_sub(cost(&line.text))?;
                Some(line.clone())
            })
            .collect()
    }
}

fn cost(text: &str) -> usize {
    text.len() + LINE_COST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_and_numbers_tell() {
        let mut ring = Ring::default();
        let cap = 3 * (LINE_COST + 4);
        for number in 1..=5 {
            ring.push(number, format!("l{number:03}"), cap);
        }
        let numbers = |after, limit| -> Vec<u64> {
            let lines = ring.read(after, limit, usize::MAX);
            lines.iter().map(|line| line.number).collect()
        };
        assert_eq!(numbers(0, 100), [3, 4, 5]);
        assert_eq!(numbers(3, 1), [4]);
        assert_eq!(numbers(5, 100), [0u64; 0]);
        assert_eq!(ring.size(), cap);
        assert_eq!(ring.read(0, 9, 2 * (LINE_COST + 4)).len(), 2);
    }
}
