//! limen-logger: the core unit that holds the log rings

use std::process::ExitCode;

fn main() -> ExitCode {
    match limen_logger::shell::run() {
        Ok(never) => match never {},
        Err(fault) => {
            eprintln!("limen-logger: {fault}");
            ExitCode::FAILURE
        }
    }
}
