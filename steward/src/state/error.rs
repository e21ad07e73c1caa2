//! Why a state file cannot be used
//!
//! The class decides what is done: damaged files are set aside and the previous generation is
//! taken; a newer file is left alone and nothing is written; a place that cannot be written to is
//! read, and nothing is written; a file that another steward holds ends this one.

use rusqlite::ErrorCode;

/// Why a state file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The bytes are not what was written.
    #[error("the state file is damaged: {0}")]
    Damaged(String),
    /// A newer image wrote it.
    #[error(
        "the state file has version {found}, and this image understands up to {known}: boot the newer image again"
    )]
    Newer {
        /// Its version.
        found: i64,
        /// The newest version that is understood.
        known: i64,
    },
    /// The place does not let us read or write.
    #[error("the state file cannot be used: {0}; check the data disk")]
    Unusable(String),
    /// Another steward has it open.
    #[error("another steward holds the state file; only one may run")]
    Held,
}

impl From<rusqlite::Error> for StateError {
    fn from(error: rusqlite::Error) -> Self {
        let text = error.to_string();
        let Some(code) = error.sqlite_error_code() else {
            // A type or a column that is not as it was written.
            return Self::Damaged(text);
        };
        match code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Held,
            ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::AuthorizationForStatementDenied
            | ErrorCode::OutOfMemory
            | ErrorCode::DiskFull
            | ErrorCode::NoLargeFileSupport => Self::Unusable(text),
            _ => Self::Damaged(text),
        }
    }
}

impl From<std::io::Error> for StateError {
    fn from(error: std::io::Error) -> Self {
        Self::Unusable(error.to_string())
    }
}
