//! The number of a life of init, and the eras that are derived from it

use limen_proto::account::Era;
use limen_proto::id::Generation;

/// A number that no other life of init has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Boot(pub(super) u64);

impl Boot {
    /// The era of a record whose first life is this: of two records of one boot never the same, of
    /// two boots' nearly never.
    pub(super) fn of(self, first: Generation) -> Era {
        Era(self.0.wrapping_add(u64::from(first.0)).max(1))
    }
}
