//! The early stage: from the initramfs to the real root
//!
//! `/init` of the initramfs, and the only program on it. In this order, because each step needs the
//! one before: pseudo file systems, modules, system image, data disk, `/run`, the move to the real
//! root, limen-init. It hands over a root in which nothing but `/data` and `/run` can be written, and
//! a kernel that loads no further modules.
//!
//! A step without which nothing can run (modules unreadable, no system image) prints what to do and
//! restarts the box, so that a boot loader with a boot counter can fall back. A broken data disk is
//! not such a step: the box boots with an empty `/data` and leaves a note for the steward (`data`).
//!
//! Deliberately not here: devices that come later, configuration, anything from the network, cgroups
//! (limen-init's), and repair of file systems beyond what mounting does by itself.

mod console;
mod data;
mod disk;
mod fault;
mod module;
mod root;

use std::convert::Infallible;
use std::time::Duration;

use fault::Fault;

fn main() {
    let Err(fault) = run();
    console::error(&fault.to_string());
    console::error("nothing can run without this step; restarting");
    // Long enough to read, and a brake on a box that restarts for ever.
    std::thread::sleep(Duration::from_secs(3));
    // Only fails without privilege; returning then ends PID 1, and the kernel acts by `panic=`.
    let _ = rustix::system::reboot(rustix::system::RebootCommand::Restart);
}

fn run() -> Result<Infallible, Fault> {
    root::mount_pseudo()?;
    console::adopt()?;
    let missing = module::load_all()?;
    root::mount_system(&missing)?;
    let data = data::mount(root::NEW_ROOT, &missing)?;
    root::mount_run()?;
    data::leave_note(root::NEW_ROOT, &data)?;
    module::lock()?;
    // Ctrl-Alt-Delete then signals PID 1 (SIGINT), which stops everything in order; otherwise the
    // kernel restarts the box at once.
    let _ = rustix::system::reboot(rustix::system::RebootCommand::CadOff);
    console::note(&format!(
        "system image mounted, {data}; starting {}",
        root::INIT
    ));
    root::enter()?;
    root::start_init()
}
