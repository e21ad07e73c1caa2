//! What is wrong with a manifest, said to the person who wrote it.

/// A manifest was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// The file is not text as the format wants it.
    #[error("manifest: {0}")]
    Text(&'static str),
    /// The text is not TOML, or has a key that is unknown, twice, missing or of another type.
    #[error("manifest, line {line}: {message}")]
    Shape {
        /// Line, counted from 1.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// The manifest is of another format.
    #[error(
        "manifest: format {0} is unknown here, format 1 is known; pack the bundle with tools that match the gateway"
    )]
    Format(u32),
    /// A value breaks a rule.
    #[error("manifest: `{key}` {problem}")]
    Value {
        /// The key, with its table: `limits.memory`.
        key: String,
        /// What is wrong and what to write.
        problem: String,
    },
}

impl ManifestError {
    pub(crate) fn value(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Value {
            key: key.into(),
            problem: problem.into(),
        }
    }
}
