//! The verbs of `cargo xtask`, one a file.

pub(crate) mod build;
pub(crate) mod setup;
