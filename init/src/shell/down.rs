//! The last steps: what was written reaches the disk, then the box goes
//!
//! Units have ended, or had their time. Everything here may wait, for there is nothing left to
//! serve; the kernel's watchdog stands by.

use rustix::mount::{MountFlags, UnmountFlags};
use rustix::system::RebootCommand;

use super::journal::{Journal, Level};

/// Ends the box. Returns only when the kernel refuses.
pub(super) fn leave(journal: &Journal, reboot: bool) {
    rustix::fs::sync();
    if rustix::mount::unmount("/data", UnmountFlags::empty()).is_err() {
        // Something still holds a file there; read-only it is as safe.
        let outcome = rustix::mount::mount_remount("/data", MountFlags::RDONLY, "");
        if let Err(errno) = outcome {
            journal.log(
                Level::Warning,
                format_args!("remount /data read-only: {errno}; it was synced"),
            );
        }
    }
    rustix::fs::sync();
    let command = if reboot {
        RebootCommand::Restart
    } else {
        RebootCommand::PowerOff
    };
    journal.show(format_args!(
        "limen: {}",
        if reboot { "restarting" } else { "power off" }
    ));
    if let Err(errno) = rustix::system::reboot(command) {
        journal.log(Level::Error, format_args!("{command:?}: {errno}"));
    }
}
