//! Groups: a stretch of ranges with one answer, but for a few single numbers
//!
//! A single number in a range of something else costs two borders as ranges, and one comparison as an
//! exception. Which ranges make a group is chosen so that the comparisons are fewest.

use super::ranges::Range;

/// Most exceptions of a group: each lies on the path of every number of the group.
const EXCEPTIONS: u64 = 4;

/// From `first` up to the next group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group<T> {
    /// First number.
    pub first: u32,
    /// What becomes of all its numbers but the exceptions.
    pub answer: T,
    /// Single numbers with another answer.
    pub exceptions: Vec<(u32, T)>,
}

/// The best end of a division: its price in comparisons, and where its last group begins.
#[derive(Debug, Clone, Copy)]
struct Division<T> {
    price: u64,
    begin: usize,
    answer: Option<T>,
}

/// Divides ranges that cover all numbers into groups with the fewest comparisons in all: one for
/// each exception, and one between two groups.
pub(super) fn divide<T: Copy + PartialEq>(ranges: &[Range<T>]) -> Vec<Group<T>> {
    let end = |at: usize| {
        ranges
            .get(at + 1)
            .map_or(1 << 32, |next| u64::from(next.first))
    };
    // The best division of the ranges before each place; each is found from those before it.
    let mut best = vec![Division {
        price: 0,
        begin: 0,
        answer: None,
    }];
    for place in 0..ranges.len() {
        let mut cheapest: Option<Division<T>> = None;
        for candidate in ranges.iter().take(place + 1).rev().take(WIDTH) {
            let answer = candidate.answer;
            let mut exceptions = 0;
            for begin in (0..=place).rev() {
                let Some(range) = ranges.get(begin) else {
                    break;
                };
                if range.answer != answer {
                    exceptions += end(begin) - u64::from(range.first);
                }
                let Some(before) = best.get(begin).filter(|_| exceptions <= EXCEPTIONS) else {
                    break;
                };
                let price = before.price + 1 + exceptions;
                if cheapest.is_none_or(|known| price < known.price) {
                    cheapest = Some(Division {
                        price,
                        begin,
                        answer: Some(answer),
                    });
                }
            }
        }
        best.extend(cheapest);
    }
    collect(ranges, &best, end)
}

/// Ranges in which a group's answer is looked for: further back, more than [`EXCEPTIONS`] lie between.
const WIDTH: usize = 8;

/// The groups of the best division, in rising order.
fn collect<T: Copy + PartialEq>(
    ranges: &[Range<T>],
    best: &[Division<T>],
    end: impl Fn(usize) -> u64,
) -> Vec<Group<T>> {
    let mut groups = Vec::new();
    let mut place = ranges.len();
    while let Some((division, answer)) = best
        .get(place)
        .and_then(|division| Some((division, division.answer?)))
    {
        let members = ranges.get(division.begin..place).unwrap_or_default();
        let mut exceptions = Vec::new();
        for (offset, range) in members.iter().enumerate() {
            if range.answer != answer {
                let last = end(division.begin + offset);
                let singles = (range.first..).take_while(|number| u64::from(*number) < last);
                exceptions.extend(singles.map(|number| (number, range.answer)));
            }
        }
        groups.extend(members.first().map(|range| Group {
            first: range.first,
            answer,
            exceptions,
        }));
        place = division.begin;
    }
    groups.reverse();
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(list: &[(u32, char)]) -> Vec<Range<char>> {
        list.iter()
            .map(|&(first, answer)| Range { first, answer })
            .collect()
    }

    fn price(groups: &[Group<char>]) -> usize {
        let exceptions: usize = groups.iter().map(|group| group.exceptions.len()).sum();
        exceptions + groups.len() - 1
    }

    #[test]
    fn a_single_number_is_an_exception_and_not_two_borders() {
        let groups = divide(&ranges(&[
            (0, 'a'),
            (7, 'b'),
            (8, 'a'),
            (9, 'c'),
            (10, 'a'),
        ]));
        assert_eq!(groups.len(), 1);
        assert_eq!(groups[0].answer, 'a');
        assert_eq!(groups[0].exceptions, [(7, 'b'), (9, 'c')]);
    }

    #[test]
    fn long_ranges_are_groups_of_their_own() {
        let groups = divide(&ranges(&[(0, 'a'), (10, 'b'), (20, 'a'), (21, 'b')]));
        assert_eq!(price(&groups), 2);
        assert_eq!(groups[0].first, 0);
        assert_eq!(groups[1].first, 10);
        assert_eq!(groups[1].exceptions, [(20, 'a')]);
    }

    #[test]
    fn no_group_has_more_exceptions_than_are_allowed() {
        let list: Vec<_> = (0..40)
            .map(|number| (number * 2, 'a'))
            .zip((0..40).map(|number| (number * 2 + 1, 'b')))
            .flat_map(|(a, b)| [a, b])
            .collect();
        for group in divide(&ranges(&list)) {
            assert!(group.exceptions.len() <= 4, "{group:?}");
        }
    }
}
