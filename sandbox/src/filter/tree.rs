//! Ranges of numbers with one verdict each, covering every number

use crate::policy::Verdict;

/// From `first` up to the next range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    /// First number.
    pub first: u32,
    /// What becomes of it and those behind it.
    pub verdict: Verdict,
}

/// Merges single verdicts (rising numbers) into ranges that cover all numbers: gaps are refused,
/// everything behind `last` is absent.
pub(super) fn ranges(verdicts: &[(u32, Verdict)], last: u32) -> Vec<Range> {
    let mut list = Vec::new();
    let mut next = 0;
    let mut push = |first: u32, verdict: Verdict| match list.last() {
        Some(Range { verdict: same, .. }) if *same == verdict => {}
        _ => list.push(Range { first, verdict }),
    };
    for &(number, verdict) in verdicts {
        gap(next, number, last, &mut push);
        push(number, verdict);
        next = number.saturating_add(1);
    }
    gap(next, u32::MAX, last, &mut push);
    list
}

/// Fills from `from` up to `to`, which is not part of it.
fn gap(from: u32, to: u32, last: u32, push: &mut impl FnMut(u32, Verdict)) {
    if from >= to {
        return;
    }
    if from <= last {
        push(from, Verdict::Refuse);
    }
    let absent = from.max(last.saturating_add(1));
    if absent < to {
        push(absent, Verdict::Absent);
    }
}
