//! limen-mgmt: the program
//!
//! Takes its control socket from where init left it, and runs until init hangs up.

use std::process::ExitCode;

use limen_channel::{Channel, inherited};
use limen_proto::control::CONTROL_DESCRIPTOR;
use tokio::runtime::Builder;
use tokio::task::LocalSet;

fn main() -> ExitCode {
    let outcome = inherited(CONTROL_DESCRIPTOR)
        .map_err(|error| {
            format!("no control socket at descriptor 3 ({error}); init starts this program")
        })
        .and_then(|socket| serve(Channel::from(socket)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(control: Channel) -> Result<(), String> {
    let runtime = Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build();
    let runtime = runtime.map_err(|error| format!("starting the runtime: {error}"))?;
    let tasks = LocalSet::new();
    // On the heap: the future holds the whole program.
    let running = Box::pin(tasks.run_until(limen_mgmt::control::run(control)));
    runtime.block_on(running).map_err(|error| error.to_string())
}
