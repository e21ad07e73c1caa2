//! limen-broker: started by limen-init, with its control socket at descriptor 3

use std::process::ExitCode;

use limen_broker::shell::{Shell, ShellError};
use limen_channel::Channel;
use limen_proto::control::CONTROL_DESCRIPTOR;

fn serve() -> Result<std::convert::Infallible, ShellError> {
    let control = limen_channel::inherited(CONTROL_DESCRIPTOR).map_err(ShellError::NoControl)?;
    Shell::new(Channel::from(control))?.run()
}

fn main() -> ExitCode {
    match serve() {
        Ok(never) => match never {},
        Err(error) => {
            eprintln!("limen-broker: {error}");
            ExitCode::FAILURE
        }
    }
}
