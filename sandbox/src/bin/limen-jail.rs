//! limen-jail: builds the sandboxes of units, or changes or removes one
//!
//! Started by init, as root, with a socket at descriptor 3, and there until init hangs up.
//! Single-threaded; parses nothing that came from a network. What it has to say of itself goes to
//! its standard error; what becomes a unit says it in that unit's log.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    match limen_sandbox::serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("limen-jail: {fault}; it is started by limen-init, not by hand");
            ExitCode::FAILURE
        }
    }
}
