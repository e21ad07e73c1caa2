//! The bench's instrument inside the guest
//!
//! One program in three places, told apart by how it was started:
//!
//! | place | started as | what it does |
//! | --- | --- | --- |
//! | `bare` | PID 1, in the place of limen-init | says how much memory a box without the core has |
//! | `warm` | PID 1, with limen-init beside it | reads every program and bundle once, then becomes limen-init |
//! | `peers` | a child of `warm`, when the image has the peers | starts itself by other means: bare, sandboxed, supervised |
//! | `drive` | limen-steward, on a box whose steward it replaces | asks init for lives and times them |
//! | `payload` | a bundle's or a peer's program | says when its first instruction ran |
//!
//! What was measured is one console line a figure: `probe: figure NAME least N middle N of N`, in
//! nanoseconds of the monotonic clock, which on the instruction clock are instructions.
//! `probe: done` is the last line. It measures; judging is the host's work.

mod bare;
mod clock;
mod drive;
mod enforced;
mod memory;
mod payload;
mod peers;
mod samples;
mod timing;
mod warm;
mod wishes;

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else: this is what the others wait for.
    let first = clock::now();
    let words: Vec<String> = std::env::args().collect();
    match words.as_slice() {
        [name, ..] if payload::AS_SERVICE.contains(&name.as_str()) => {
            return payload::run(payload::STAY, first);
        }
        [_, act] if act == peers::ACT => return peers::main(),
        [_, act, ..] => return payload::run(act, first),
        _ => {}
    }
    let outcome = match rustix::process::getpid().is_init() {
        true if warm::wanted() => warm::run(),
        true => bare::run(),
        false => drive::run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("probe: failed: {error:#}");
            // Whoever watches sees the line and ends the box; a restart would only repeat it.
            clock::sleep_for_ever()
        }
    }
}
