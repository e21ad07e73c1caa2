//! limen-steward: started by limen-init, with its control socket at descriptor 3

use std::convert::Infallible;
use std::process::ExitCode;

use limen_channel::Channel;
use limen_proto::control::CONTROL_DESCRIPTOR;
use limen_steward::shell::{Config, Shell, ShellError, line};
use rustix::fs::Mode;

fn serve() -> Result<Infallible, ShellError> {
    // The state holds the gateway's private key.
    rustix::process::umask(Mode::from_raw_mode(0o077));
    let control = limen_channel::inherited(CONTROL_DESCRIPTOR).map_err(ShellError::NoControl)?;
    Shell::new(Config::default(), Channel::from(control))?.run()
}

fn main() -> ExitCode {
    match serve() {
        Ok(never) => match never {},
        // The way down: everything that init had to say was read, and what follows from it written.
        Err(error @ ShellError::Control(_)) => {
            line(&format!("limen-steward ends: {error}"));
            ExitCode::FAILURE
        }
        Err(error) => {
            line(&format!("warning: limen-steward ends: {error}"));
            ExitCode::FAILURE
        }
    }
}
