//! Ranges of numbers with one answer each, covering every number

use crate::policy::Verdict;
use crate::policy::machine::Machine;

/// From `first` up to the next range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range<T> {
    /// First number.
    pub first: u32,
    /// What becomes of it and those behind it.
    pub answer: T,
}

/// Ranges under construction, in rising order.
struct Ranges<T>(Vec<Range<T>>);

impl<T: Copy + PartialEq> Ranges<T> {
    fn push(&mut self, first: u32, answer: T) {
        match self.0.last() {
            Some(Range { answer: same, .. }) if *same == answer => {}
            _ => self.0.push(Range { first, answer }),
        }
    }
}

/// The ranges of single verdicts, by rising number.
///
/// Gaps are refused, or absent from the machine's young calls on. A gap that no kernel fills (the
/// machine's own rooms) between two numbers with one verdict takes that verdict: the kernel itself
/// answers ENOSYS there, and two comparisons are saved.
pub(super) fn of_calls(verdicts: &[(u32, Verdict)], machine: &Machine) -> Vec<Range<Verdict>> {
    let unlisted = |number| match number < machine.young {
        true => Verdict::Refuse,
        false => Verdict::Absent,
    };
    let mut list = Ranges(Vec::new());
    let mut next = 0;
    let mut before = None;
    for &(number, verdict) in verdicts {
        let never_filled = machine
            .rooms
            .iter()
            .any(|room| room.contains(&next) && number.saturating_sub(1) <= *room.end());
        if next < number && !(never_filled && before == Some(verdict)) {
            list.push(next, unlisted(next));
            if (next..number).contains(&machine.young) {
                list.push(machine.young, Verdict::Absent);
            }
        }
        list.push(number, verdict);
        before = Some(verdict);
        next = number.saturating_add(1);
    }
    list.push(next, unlisted(next));
    if next < machine.young {
        list.push(machine.young, Verdict::Absent);
    }
    list.0
}

/// The ranges of who is `outside`'s too: where that already answers the same, nothing has to be said, and
/// whatever shortens the filter is. Of two refusals of one kind the kernel gives the number of the younger filter, so only the same
/// answer will do.
pub(super) fn within(inside: &[Range<Verdict>], outside: &[Range<Verdict>]) -> Vec<Range<Verdict>> {
    let at = |ranges: &[Range<Verdict>], number| {
        let known = ranges.iter().rev().find(|range| range.first <= number);
        known.map_or(Verdict::Refuse, |range| range.answer)
    };
    let mut borders: Vec<_> = inside.iter().chain(outside).map(|it| it.first).collect();
    borders.sort_unstable();
    borders.dedup();
    let mut list = Ranges(Vec::new());
    let mut before = Verdict::Allow;
    for first in borders {
        let (wanted, given) = (at(inside, first), at(outside, first));
        let answer = match given {
            Verdict::Allow => wanted,
            _ if given != wanted => wanted,
            // Allowed here, refused there; or refused once more.
            _ if before == wanted => before,
            _ => Verdict::Allow,
        };
        list.push(first, answer);
        before = answer;
    }
    list.0
}

/// The ranges of values that are, or are not, within the bounds (rising, both ends included).
pub(super) fn of_values(within: &[(u32, u32)]) -> Vec<Range<bool>> {
    let mut list = Ranges(Vec::new());
    list.push(0, false);
    for &(first, last) in within {
        if first == 0 {
            list.0.clear();
        }
        list.push(first, true);
        if let Some(next) = last.checked_add(1) {
            list.push(next, false);
        }
    }
    list.0
}
