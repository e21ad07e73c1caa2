//! Keeps what units print: a capped ring in memory per unit
//!
//! A core unit like the others: jailed, without a network, restarted when it dies. init keeps the
//! pipes, so a logger's death loses what was in its rings and blocks or kills no writer.
//!
//! | file    | noun                                              |
//! |---------|---------------------------------------------------|
//! | `line`  | bytes of a program into lines that cannot lie     |
//! | `ring`  | one unit's last lines                             |
//! | `book`  | all rings, and their common cap                   |
//! | `source`| one pipe and the speed at which it is read        |
//! | `shell` | descriptors: control socket, link, pipes, console |
//!
//! Core units' lines are copied to standard error, which init connects to the console: the logger
//! alone has no ring, for it cannot read itself. Nothing is written to flash.

pub mod book;
pub mod line;
pub mod ring;
pub mod shell;
mod source;
