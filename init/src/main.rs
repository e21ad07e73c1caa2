//! limen-init: PID 1, or an ordinary process under another init
//!
//! No options: what it runs is in the image's table, and whether it is PID 1 it can see.

use std::process::ExitCode;

#[cfg(feature = "count-allocations")]
#[global_allocator]
static COUNTED: &stats_alloc::StatsAlloc<std::alloc::System> = &stats_alloc::INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    let outcome = limen_init::shell::run();
    if rustix::process::getpid().is_init() {
        // PID 1 that returns is a kernel panic; a boot loader with a boot counter falls back on a
        // restart. The pause lets a person read, and brakes a box that restarts for ever.
        std::thread::sleep(core::time::Duration::from_secs(3));
        let _ = rustix::system::reboot(rustix::system::RebootCommand::Restart);
    }
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("limen-init: {fault}");
            ExitCode::FAILURE
        }
    }
}
