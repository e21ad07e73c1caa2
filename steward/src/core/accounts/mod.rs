//! Accounts: what every unit has used, in all and by calendar month
//!
//! ```text
//! kernel's counters ──sample──▶ Account (pure) ──when due──▶ Change::Account ──▶ state file
//! init's `spent`    ──┘
//! ```
//!
//! Counters are those of a record of init: what its ended lives used, which init reports, and what
//! the present one has used so far, which the kernel tells. An account adds differences, so a steward
//! that was gone for a while misses nothing, and a record that began anew counts from zero. Of a
//! virtual gateway the operator sees the sums; what each bundle used is its provider's to see.
//!
//! | written | so that a power cut loses at most |
//! | --- | --- |
//! | 15 minutes after the last time, when some account moved by more than [`LITTLE`] | 15 minutes |
//! | 6 hours after the last time, when anything moved | [`LITTLE`] of each account |
//! | at once: a month's volume was spent, a virtual gateway ended, the box goes down in order | nothing |
//!
//! Months are those of the box's clock, which is never before its floor: the image's build, or the
//! last time seen. While the clock is not set, usage counts for the floor's month. A clock that goes
//! back to an earlier month takes along what was counted for later ones.

mod account;
mod payer;
mod sample;
mod starved;
#[cfg(test)]
mod tests;
pub mod volume;
mod write;

use std::collections::BTreeMap;

use limen_proto::account::Counters;
use limen_proto::id::{Generation, Slot};
use limen_proto::jail::Found;
use limen_proto::month::Month;

pub use account::Account;
pub use payer::Payer;

/// Counters are read this often, milliseconds.
pub(super) const SAMPLE_MS: u64 = 60_000;
/// Longest time that much that was counted is not on the disk, milliseconds.
const WRITE_MS: u64 = 15 * 60_000;
/// Longest time that anything is not, milliseconds.
const WRITE_LITTLE_MS: u64 = 6 * 3_600_000;
/// Earlier months that are kept.
pub const MONTHS: usize = 12;

/// What an account may have moved by without being written after 15 minutes: nothing that is
/// counted one by one (restarts, kills), processor time, traffic.
pub const LITTLE: (u64, u64) = (120_000_000, 4 << 20);

/// All accounts as they stand now; those on the disk are in the desired state.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    accounts: BTreeMap<Payer, Account>,
    months: BTreeMap<(Payer, Month), Counters>,
    /// What limen-jail found last, of which life, and when.
    found: BTreeMap<Slot, (Generation, Found, u64)>,
    sample_due_ms: u64,
    volume_due_ms: Option<u64>,
    written_ms: u64,
}
