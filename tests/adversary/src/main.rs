//! A hostile bundle: attacks one wall after the other and reports what happened
//!
//! ```text
//! adversary all            every control and every attack that leaves the program alive
//! adversary controls       what an honest program does: must work
//! adversary A-08 B-02      the attacks with these numbers of the threat catalogue
//! adversary memory         C-03: allocate for ever; the bundle is expected to die
//! adversary disk           C-07: fill the first writable folder, then clean up
//! adversary hoard          C-07: fill the volume, leave it full and measure it
//! adversary measure        measure it as it is, and ask for more
//! adversary B-12           listen on ports that were not declared: not part of `all`
//! adversary hold 40        holds so many MiB and uses them, for ever
//! adversary storm forks    takes more than its share for ever, see `storm`; `storm all` in every way at once
//! ```
//!
//! One line an attempt, `attack <id> blocked <errno> <what>`, `attack <id> allowed <what>` or
//! `attack <id> error <why> <what>`, and `control <id> ok` or `control <id> failed <why>`; then
//! `attacks done`. Afterwards it sleeps, or ends with `--exit`. Each attempt runs in a process of its own:
//! an attempt that succeeds changes nothing for the next.

mod attacks;
mod attempt;
mod controls;
mod hoard;
mod hold;
mod storm;
mod sys;
mod world;

use std::process::ExitCode;

use attempt::{Attack, Verdict};
use world::World;

/// Said by the copies of this program that attacks execute.
const EXECUTED: &str = "--executed";

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == EXECUTED) {
        return ExitCode::from(attempt::EXECUTED_STATUS);
    }
    let exit = words.iter().any(|word| word == "--exit");
    words.retain(|word| word != "--exit");
    if words.is_empty() {
        words.push("all".to_owned());
    }
    let world = World::look();
    if let [first, storms @ ..] = words.as_slice()
        && first == "storm"
    {
        storm::run(storms, &world);
    }
    if let [first, number] = words.as_slice()
        && first == "hold"
        && let Ok(mebibytes) = number.parse()
    {
        hold::run(mebibytes);
    }
    let mut blocked_all = true;
    for word in &words {
        blocked_all &= run(word, &world);
    }
    println!("attacks done");
    if !exit {
        loop {
            std::thread::park();
        }
    }
    if blocked_all {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Runs what a word stands for. False when something was not as it should be.
fn run(word: &str, world: &World) -> bool {
    match word {
        "all" => {
            let controls = controls::run(world);
            every(&attacks::all(), |_| true, world) && controls
        }
        "controls" => controls::run(world),
        "memory" => every(&attacks::resources::MEMORY, |_| true, world),
        "B-12" => every(&attacks::network::BIND, |_| true, world),
        "hoard" => hoard::run(),
        "measure" => hoard::measured(),
        "disk" => every(&attacks::resources::DISK, |_| true, world),
        id => {
            let known = attacks::all().iter().any(|attack| attack.id == id);
            if !known {
                println!("attack {id} error unknown to this program");
            }
            known && every(&attacks::all(), |attack| attack.id == id, world)
        }
    }
}

fn every(attacks: &[Attack], wanted: impl Fn(&Attack) -> bool, world: &World) -> bool {
    let mut fine = true;
    for attack in attacks.iter().filter(|attack| wanted(attack)) {
        let verdict = attack.run(world);
        println!("attack {} {verdict} {}", attack.id, attack.what);
        fine &= matches!(verdict, Verdict::Blocked(_));
    }
    fine
}
