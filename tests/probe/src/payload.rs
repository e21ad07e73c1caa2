//! As a bundle's or a peer's program: says when it began, and its process number

use std::process::ExitCode;

use crate::clock;

/// Says when it began, and stays.
pub(crate) const STAY: &str = "stay";
/// Says when it began, and computes for ever on several threads.
pub(crate) const SPIN: &str = "spin";
/// Ends at once, in silence: for soaks.
pub(crate) const EXIT: &str = "exit";
/// Says when it began, and ends: for the floor.
pub(crate) const TELL: &str = "tell";
/// What comes before the time.
pub(crate) const FIRST: &str = "first ";

/// How the peers' supervisors start it: by one of these names, without an act.
pub(crate) const AS_SERVICE: [&str; 2] = ["./run", "run"];

/// Does the act. `first` is the clock at the first statement of `main`.
pub(crate) fn run(act: &str, first: u64) -> ExitCode {
    match act {
        STAY => {
            println!("{FIRST}{first} {}", std::process::id());
            clock::sleep_for_ever()
        }
        TELL => {
            println!("{FIRST}{first} {}", std::process::id());
            ExitCode::SUCCESS
        }
        SPIN => {
            println!("{FIRST}{first} {}", std::process::id());
            for _ in 1..THREADS {
                std::thread::spawn(spin);
            }
            spin()
        }
        EXIT => ExitCode::SUCCESS,
        _ => ExitCode::from(2),
    }
}

/// More than the box has processors.
const THREADS: usize = 4;

fn spin() -> ! {
    loop {
        std::hint::spin_loop();
    }
}

/// The time and the process number in a line of a payload.
pub(crate) fn read(line: &str) -> Option<(u64, i32)> {
    let (first, number) = line.strip_prefix(FIRST)?.trim().split_once(' ')?;
    Some((first.parse().ok()?, number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_line_of_a_payload_has_a_time() {
        assert_eq!(read("first 123 7\n"), Some((123, 7)));
        assert_eq!(read("first 123"), None);
        assert_eq!(read("123"), None);
    }
}
