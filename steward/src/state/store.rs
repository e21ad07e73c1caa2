//! The store: an open state file, or a reason why nothing can be written
//!
//! A store without a file answers every commit with its reason, so a steward that could not open
//! its state still talks, and changes nothing.

use std::path::PathBuf;

use limen_proto::manage::AuditEvent;
use limen_proto::name::Name;
use rusqlite::{Connection, TransactionBehavior};

use super::error::StateError;
use super::{generation, seal, trail, write};
use crate::core::desired::{Change, Marks};

/// Commits after which the next generation is kept without waiting for quiet.
const DUE: u32 = 16;

/// The one writer of the state.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    file: Result<Connection, String>,
    unkept: u32,
}

impl Store {
    /// What the previous generation holds is not known yet: it counts as another one.
    pub(super) fn writing(folder: PathBuf, connection: Connection) -> Self {
        Self {
            folder,
            file: Ok(connection),
            unkept: 1,
        }
    }

    /// A store that refuses every commit with this reason.
    pub fn refusing(folder: PathBuf, why: impl Into<String>) -> Self {
        Self {
            folder,
            file: Err(why.into()),
            unkept: 0,
        }
    }

    /// Writes the changes in one transaction and returns when they are on the disk.
    ///
    /// # Errors
    /// Nothing was written.
    pub fn commit(&mut self, changes: &[Change], marks: Marks) -> Result<(), StateError> {
        let file = match &mut self.file {
            Ok(file) => file,
            Err(why) => return Err(StateError::Unusable(why.clone())),
        };
        let transaction = file.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let events = changes
            .iter()
            .filter(|change| matches!(change, Change::Event(_)))
            .count();
        let mut event = marks.event.saturating_sub(events as u64) + 1;
        for change in changes {
            write::change(&transaction, change, &mut event)?;
        }
        // Accounts are written all day: they touch no page but their own and the seal's.
        if !changes.iter().all(is_account) {
            write::marks(&transaction, marks)?;
        }
        seal::renew(&transaction)?;
        transaction.commit()?;
        let passes = |change: &Change| {
            is_account(change) || matches!(change, Change::Event(_) | Change::Clock(_))
        };
        if !changes.iter().all(passes) {
            self.unkept += 1;
        }
        Ok(())
    }

    /// Events behind number `after`, at most `limit`, as `provider` or the operator may see them.
    ///
    /// # Errors
    /// The trail cannot be read.
    pub fn events(
        &self,
        provider: Option<&Name>,
        after: u64,
        limit: u32,
    ) -> Result<Vec<AuditEvent>, StateError> {
        match &self.file {
            Ok(file) => trail::events(file, provider, after, limit),
            Err(why) => Err(StateError::Unusable(why.clone())),
        }
    }

    /// Whether something may be committed that the previous generation does not have.
    pub fn is_unkept(&self) -> bool {
        self.unkept > 0
    }

    /// Whether so much was committed that the next generation is due at once.
    pub fn is_due(&self) -> bool {
        self.unkept >= DUE
    }

    /// Makes what is committed now the previous generation, unless it is.
    ///
    /// # Errors
    /// The earlier one is still there.
    pub fn keep_generation(&mut self) -> Result<(), StateError> {
        // Whatever comes of it: a disk that fails is not tried again with every turn.
        self.unkept = 0;
        match &self.file {
            Ok(file) => generation::keep(&self.folder, file),
            Err(_) => Ok(()),
        }
    }
}

fn is_account(change: &Change) -> bool {
    matches!(
        change,
        Change::Account(..) | Change::Month(..) | Change::NoMonth(..)
    )
}
