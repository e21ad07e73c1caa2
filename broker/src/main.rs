//! limen-broker: started by limen-init, with its control socket at descriptor 3

use std::process::ExitCode;

use limen_broker::shell::{Shell, ShellError};
use limen_channel::Channel;
use limen_proto::control::CONTROL_DESCRIPTOR;
use rustix::process::{Resource, getrlimit, setrlimit};

/// Kept duplicates, ends that wait for slow readers, connections and listeners together stay
/// below this. It is the hard limit that limen-jail sets; the soft one is for select(2).
const DESCRIPTORS: u64 = 4096;

fn serve() -> Result<std::convert::Infallible, ShellError> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit
        .maximum
        .map(|maximum| maximum.min(DESCRIPTORS))
        .or(Some(DESCRIPTORS));
    if let Err(errno) = setrlimit(Resource::Nofile, limit) {
        eprintln!("limen-broker: raise RLIMIT_NOFILE: {errno}; fewer references at once");
    }
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
