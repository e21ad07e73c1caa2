//! Cross-compilation: static programs for the box, from any developer's machine.
//!
//! Four nouns, one a file: what machine ([`Target`]), what programs ([`mod@program`]), which
//! compiler ([`Compiler`]) and which linker ([`Wheels`]: zig, which brings musl and a C compiler
//! for ring and SQLite). [`Build`] puts them together into a single cargo invocation.
//!
//! Nothing here installs a Debian package: `cargo xtask setup` does, from its one table.

mod build;
mod compiler;
mod outer;
pub mod program;
mod target;
mod wheels;

pub use build::{Build, BuildError, Built};
pub use compiler::{Compiler, CompilerError};
pub use outer::forget_outer_package;
pub use program::{Group, Kind, Program};
pub use target::{Target, UnknownTarget};
pub use wheels::{Wheels, WheelsError};
