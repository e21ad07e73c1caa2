//! limen-jail: builds one unit's sandbox, or changes or removes one, and ends
//!
//! Started by init, as root, with a socket at descriptor 3. Single-threaded; parses nothing that
//! came from a network. Its standard error is the unit's log.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use limen_sandbox::{Init, perform};

fn main() -> ExitCode {
    let init = match Init::inherited() {
        Ok(init) => init,
        Err(fault) => {
            eprintln!("limen-jail: {fault}; it is started by limen-init, not by hand");
            return ExitCode::FAILURE;
        }
    };
    match init.task() {
        Ok((task, descriptors)) => perform(task, descriptors, init),
        Err(fault) => init.failed(&fault),
    }
    ExitCode::SUCCESS
}
