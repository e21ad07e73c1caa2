//! Start and stop, again and again, and a census before and after: for guests
//!
//! Put into an image in three places (`cargo xtask test --only cycles`): as PID 1 above limen-init,
//! which is an ordinary process and can be looked into (`census`); as the steward, which asks for
//! the lives (`asker`); and as a bundle's program. Between two censuses there are so many cycles of
//! a virtual gateway with a bundle as `CYCLES` says, a crowd of virtual gateways at once, a hundred
//! crash loops at once that are given up, and `ORPHANS` processes that limen-init inherits. Before the first,
//! limen-jail is killed while a crowd waits for it, and a virtual gateway ends slowly: limen-init must lose no
//! start, and rest. Every step prints a line; the last one is `cycles: done`.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test program may end in the middle"
)]

mod asker;
mod census;

use std::process::Command;

use limen_proto::id::Digest;

/// The virtual gateway whose end asks for a census.
const MARK: u16 = 63;
/// Virtual gateways that have the bundle.
const INHABITED: u16 = 4;
/// Where the bundle has its program.
const PROGRAM: &str = "/bin/cycles";
/// As which it stays, and as which it fails at once.
const STAY: &str = "stay";
const FAIL: &str = "fail";
/// The place of the bundle whose virtual gateway ends slowly.
const SLOW: u16 = 30;
/// As which it leaves a child behind, and as which it is that child.
const PARENT: &str = "parent";
const ORPHAN: &str = "orphan";

/// The bundle's digest. Nobody checks it here: limen-install did, on a box.
const DIGEST: Digest = Digest([0xc1; 32]);

fn main() {
    let act = std::env::args().nth(1);
    match act.as_deref() {
        Some(STAY) => loop {
            std::thread::park();
        },
        Some(FAIL) => std::process::exit(1),
        Some(PARENT) => drop(own().arg(ORPHAN).spawn()),
        Some(ORPHAN) => {}
        _ if rustix::process::getpid().is_init() => census::main(),
        _ => asker::main(),
    }
}

/// This program again; a unit of the core has no /proc.
fn own() -> Command {
    Command::new(std::env::args_os().next().unwrap_or_default())
}

fn say(line: &str) {
    println!("cycles: {line}");
}
