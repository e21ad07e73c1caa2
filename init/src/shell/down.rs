//! The last steps: what was written reaches the disk, then the box goes
//!
//! Units have ended, or had their time. Everything here may wait, for there is nothing left to
//! serve; the kernel's watchdog stands by.

use std::time::{Duration, Instant};

use rustix::mount::{MountFlags, UnmountFlags};
use rustix::system::RebootCommand;

use super::Shell;
use super::journal::{Journal, Level};

/// Longest wait for limen-jail to end by itself, and then for it to be gone.
const PATIENCE: Duration = Duration::from_secs(1);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(5);

impl Shell {
    /// Ends what builds and removes: it may hold mounts of the data disk, and whoever comes next is to find
    /// nothing running.
    pub(super) fn clear_workroom(&mut self) {
        self.jail.dismiss();
        if self.is_workroom_empty_in(PATIENCE) {
            return;
        }
        let killed = self.workroom.kill();
        if killed.is_err() || !self.is_workroom_empty_in(PATIENCE) {
            self.journal.log(
                Level::Warning,
                format_args!("a limen-jail does not end; the kernel is busy for it"),
            );
        }
    }

    fn is_workroom_empty_in(&self, patience: Duration) -> bool {
        let until = Instant::now().checked_add(patience);
        while !self.workroom.is_empty() {
            if until.is_none_or(|until| Instant::now() >= until) {
                return false;
            }
            std::thread::sleep(PAUSE);
        }
        true
    }
}

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
