//! As a bundle's program: says when it began

use std::process::ExitCode;

use crate::clock;

/// Says when it began, and stays.
pub(crate) const STAY: &str = "stay";
/// Ends at once, in silence: for soaks.
pub(crate) const EXIT: &str = "exit";
/// Says when it began, and ends: for the floor.
pub(crate) const TELL: &str = "tell";
/// What comes before the time.
pub(crate) const FIRST: &str = "first ";

/// Does the act. `first` is the clock at the first statement of `main`.
pub(crate) fn run(act: &str, first: u64) -> ExitCode {
    match act {
        STAY => {
            println!("{FIRST}{first}");
            clock::sleep_for_ever()
        }
        TELL => {
            println!("{FIRST}{first}");
            ExitCode::SUCCESS
        }
        EXIT => ExitCode::SUCCESS,
        _ => ExitCode::from(2),
    }
}

/// The time in a line of a payload.
pub(crate) fn read(line: &str) -> Option<u64> {
    line.strip_prefix(FIRST)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_line_of_a_payload_has_a_time() {
        assert_eq!(read("first 123\n"), Some(123));
        assert_eq!(read("first"), None);
        assert_eq!(read("123"), None);
    }
}
