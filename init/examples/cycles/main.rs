//! Start and stop, again and again, and a census before and after: for guests
//!
//! Put into an image in three places (`cargo xtask test --only cycles`): as PID 1 above limen-init,
//! which is an ordinary process and can be looked into (`census`); as the steward, which asks for
//! the lives (`asker`); and as a bundle's program. Between two censuses there are so many cycles of
//! a virtual gateway with a bundle as `CYCLES` says, and a hundred crash loops at once that are
//! given up. Every step prints a line; the last one is `cycles: done`.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test program may end in the middle"
)]

mod asker;
mod census;

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

/// The bundle's digest. Nobody checks it here: limen-install did, on a box.
const DIGEST: Digest = Digest([0xc1; 32]);

fn main() {
    let act = std::env::args().nth(1);
    match act.as_deref() {
        Some(STAY) => loop {
            std::thread::park();
        },
        Some(FAIL) => std::process::exit(1),
        _ if rustix::process::getpid().is_init() => census::main(),
        _ => asker::main(),
    }
}

fn say(line: &str) {
    println!("cycles: {line}");
}
