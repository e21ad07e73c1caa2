//! Image recipes and their builder
//!
//! Turns box programs, Debian packages and the tables of this folder into what a box boots from:
//! kernel, initramfs, system image, data disk; and starts the emulator on them. Used by `xtask` and
//! by the tests; nothing of it runs on the box.
//!
//! | module | noun |
//! | --- | --- |
//! | [`debian`] | packages of a suite, fetched without touching the machine's apt |
//! | [`kernel`] | a pinned kernel: its image and the modules of `modules.toml` |
//! | [`module`] | which modules, in which order |
//! | [`units`] | `units.toml` and `devices.toml`, compiled into the table that init reads |
//! | [`cpio`] | the initramfs archive |
//! | [`system`] | the read-only system image |
//! | [`disk`] | the data disk |
//! | [`image`] | all of these together, made again only when an input changed |
//! | [`qemu`] | the emulator's command line |
//! | [`machine`] | a running emulator |
//! | [`qmp`] | orders to a running emulator |
//! | [`tool`] | one run of a program of the host |
//!
//! Deliberately not here: compiling box programs (`cross`) and enrolling providers (`xtask`).

pub mod cpio;
pub mod debian;
pub mod disk;
pub mod image;
pub mod kernel;
pub mod machine;
pub mod module;
pub mod qemu;
pub mod qmp;
pub mod system;
pub mod tool;
pub mod units;

/// Where long steps say what they are doing, one line each.
///
/// A plain function, so that a caller draws the lines as it likes: a spinner, a log, nothing.
pub type Report = fn(&str);
