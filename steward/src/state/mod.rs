//! Durable state: one SQLite file, one writer, one commit point
//!
//! | file | what |
//! | --- | --- |
//! | `steward.sqlite` | the truth, with its rollback journal beside it |
//! | `steward.previous` | the last good generation: what was committed when it was last quiet |
//! | `steward.damaged` | evidence: the last file that failed its checks |
//!
//! Every commit is one transaction, on the disk before it is in effect. Every table but the audit
//! trail is under a seal, a digest of its rows that each commit renews: a flipped bit that the file
//! format does not notice does not become a contract. `docs/reference/state.md` is normative.
//!
//! The rest of the steward never sees SQL: it commits [`Change`](crate::core::desired::Change)s and
//! gets [`Desired`](crate::core::desired::Desired) back.

mod error;
mod generation;
mod load;
mod open;
mod schema;
mod seal;
mod store;
mod trail;
mod write;

#[cfg(test)]
mod tests;

pub use error::StateError;
pub use open::{Opened, open};
pub use store::Store;

/// The truth.
pub const FILE: &str = "steward.sqlite";
/// The last good generation.
pub const PREVIOUS: &str = "steward.previous";
/// Evidence.
pub const DAMAGED: &str = "steward.damaged";
/// A generation that is being written; whatever is found there is worthless.
const NEXT: &str = "steward.next";
