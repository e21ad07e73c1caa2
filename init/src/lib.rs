//! PID 1: a pure supervisor core and a thin shell
//!
//! `core` decides and touches nothing; `shell` touches and decides nothing. Nothing is allocated
//! after boot; nothing blocks; nothing panics: the lints of this crate forbid what could.

pub mod core;
pub mod shell;
