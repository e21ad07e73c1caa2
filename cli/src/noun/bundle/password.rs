//! The password of a signing key: from a file, never from the terminal

use std::path::{Path, PathBuf};

use clap::Args;
use limen_bundle::sign;

use crate::failure::Failure;

/// Names the password of a protected key: a file whose first line it is.
#[derive(Debug, Args)]
pub(super) struct Password {
    /// File whose first line is the key's password
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl Password {
    pub(super) fn read(&self) -> Result<Option<String>, Failure> {
        let Some(path) = &self.password_file else {
            return Ok(None);
        };
        let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, error))?;
        match text.lines().next() {
            Some(line) if !line.is_empty() => Ok(Some(line.to_owned())),
            _ => Err(Failure::file(path, "its first line is empty")),
        }
    }

    pub(super) fn key(&self, path: &Path) -> Result<sign::SecretKey, Failure> {
        let key = sign::SecretKey::load(path, self.read()?);
        key.map_err(|error| Failure::local(&error))
    }
}
