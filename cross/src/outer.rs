//! The environment of an outer cargo, taken off an inner one
//!
//! `cargo run` tells its program which package it belongs to. A build script that watches those
//! variables (ring's does) would be run again, and all behind it compiled again, whenever the inner
//! cargo is started by another program than the last time.

use std::process::Command;

/// Prefixes of what cargo sets for the programs that it runs
/// (The Cargo Book, "Environment variables Cargo sets for crates").
const PREFIXES: [&str; 2] = ["CARGO_PKG_", "CARGO_MANIFEST_"];

/// Removes what an outer cargo said of its own package.
pub fn forget_outer_package(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        let outer = name
            .to_str()
            .is_some_and(|name| PREFIXES.iter().any(|prefix| name.starts_with(prefix)));
        if outer {
            command.env_remove(name);
        }
    }
    command
}
