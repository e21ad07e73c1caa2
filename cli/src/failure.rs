//! Why something did not happen, and whose turn it is
//!
//! Five kinds, each an exit code, so that a script can tell a refusal from a cable.

use std::path::Path;

use serde_json::{Value, json};

/// Why something did not happen. Every text names the remedy when there is a known one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The gateway understood, and said no.
    #[error("{message}")]
    Refused {
        /// What exactly.
        message: String,
        /// What kind, by the gateway's word.
        kind: String,
    },
    /// The command line lacks something.
    #[error("{0}")]
    Usage(String),
    /// No connection, or no trust in it.
    #[error("{0}")]
    Unreachable(String),
    /// A file or a key of this machine.
    #[error("{0}")]
    Local(String),
    /// The answer is not what the protocol says.
    #[error("the gateway's answer is not understood: {0}; is this limenctl as new as the gateway?")]
    Protocol(String),
}

impl Failure {
    /// The program's exit code.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Refused { .. } => 1,
            Self::Usage(_) => 2,
            Self::Unreachable(_) => 3,
            Self::Local(_) => 4,
            Self::Protocol(_) => 5,
        }
    }

    /// A file that cannot be used.
    pub(crate) fn file(path: &Path, error: impl std::fmt::Display) -> Self {
        Self::Local(format!("{}: {error}", path.display()))
    }

    /// An error of this machine, with everything that caused it.
    pub(crate) fn local(error: &dyn std::error::Error) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            let inner_text = inner.to_string();
            if !text.contains(&inner_text) {
                text.push_str(": ");
                text.push_str(&inner_text);
            }
            cause = inner.source();
        }
        Self::Local(text)
    }

    /// For `--json`.
    pub(crate) fn value(&self) -> Value {
        let kind = match self {
            Self::Refused { kind, .. } => kind.as_str(),
            Self::Usage(_) => "Usage",
            Self::Unreachable(_) => "Unreachable",
            Self::Local(_) => "Local",
            Self::Protocol(_) => "Protocol",
        };
        json!({"error": self.to_string(), "kind": kind, "exit": self.exit_code()})
    }
}
