//! The verbs of `cargo xtask`, one a file.

pub(crate) mod bench;
pub(crate) mod build;
pub(crate) mod check;
pub(crate) mod feed;
pub(crate) mod run;
pub(crate) mod setup;
pub(crate) mod stop;
pub(crate) mod test;
