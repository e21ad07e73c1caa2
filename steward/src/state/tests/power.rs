//! Power cuts: the process killed at any moment, the files of any moment taken for the disk
//! (threat catalogue F-01, F-04)
//!
//! A child process is this test program once more, asked by a variable to commit the history for
//! ever. It is killed with SIGKILL at random moments. What is then opened must be the state after
//! some whole number of commits, and not fewer than the child had reported done.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::*;

const FOLDER: &str = "LIMEN_STATE_TEST_FOLDER";
const ROUNDS: usize = 3;

/// States after each commit of the history, from nothing.
fn states() -> Vec<Desired> {
    let mut desired = Desired::default();
    let mut states = vec![desired.clone()];
    for changes in history() {
        changes.iter().for_each(|change| desired.apply(change));
        states.push(desired.clone());
    }
    states
}

/// Not a test of its own: the child's part.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let mut opened = good(Path::new(&folder));
    let done = states()
        .iter()
        .position(|state| *state == opened.desired)
        .unwrap();
    for (number, changes) in history().iter().enumerate().skip(done) {
        commit(&mut opened.store, &mut opened.desired, changes);
        println!("done {}", number + 1);
        opened.store.keep_generation().unwrap();
    }
    println!("finished");
    loop {
        std::thread::park();
    }
}

#[test]
fn a_kill_at_any_moment_leaves_a_whole_number_of_commits() {
    let states = states();
    let seed = 7u64;
    let mut wait = seed;
    for round in 0..ROUNDS {
        let folder = tempfile::tempdir().unwrap();
        let mut finished = false;
        // Killed again and again, going on from where it was: recovery is cut, too.
        for cut in 0..20 {
            wait = wait.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (done, at_end) = run_child(folder.path(), Duration::from_micros(wait >> 50));
            let opened = good(folder.path());
            let found = states.iter().position(|state| *state == opened.desired);
            let found =
                found.unwrap_or_else(|| panic!("seed {seed}, round {round}, cut {cut}: torn"));
            assert!(
                found >= done,
                "seed {seed}, round {round}, cut {cut}: {found} of {done}"
            );
            finished |= at_end;
        }
        println!(
            "round {round}: {}",
            if finished {
                "to the end"
            } else {
                "in the middle"
            }
        );
    }
}

/// Runs the child, kills it `later` than its first word; says how many commits it reported.
fn run_child(folder: &Path, later: Duration) -> (usize, bool) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "state::tests::power::child", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let reader = std::thread::spawn(move || {
        let (mut done, mut finished) = (0, false);
        for line in lines.map_while(Result::ok) {
            if let Some(number) = line.strip_prefix("done ") {
                done = number.parse().unwrap();
            }
            finished |= line == "finished";
        }
        (done, finished)
    });
    std::thread::sleep(Duration::from_millis(5) + later);
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}
