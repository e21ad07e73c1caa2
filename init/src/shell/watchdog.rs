//! The kernel's watchdog: fed when the loop turns, and only then
//!
//! It is opened once and never closed in order: a shutdown that hangs ends in a reset too.

use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// Time between two feedings, milliseconds. Devices wait between 15 and 60 seconds.
const EVERY_MS: u64 = 4_000;

/// An armed watchdog.
pub(super) struct Watchdog {
    device: OwnedFd,
    next: u64,
}

impl Watchdog {
    /// Opens, and thereby arms, the device. An empty path is a box without one.
    ///
    /// # Errors
    /// There is no such device.
    pub(super) fn open(path: &str) -> Result<Option<Self>, Errno> {
        if path.is_empty() {
            return Ok(None);
        }
        let flags = OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let device = rustix::fs::open(path, flags, Mode::empty())?;
        Ok(Some(Self { device, next: 0 }))
    }

    /// When it is due.
    pub(super) fn deadline(&self) -> u64 {
        self.next
    }

    /// Feeds it when it is due.
    pub(super) fn feed(&mut self, now: u64) {
        if now >= self.next {
            // Any byte but V, which would ask to disarm on close.
            let _ = rustix::io::write(&self.device, b".");
            self.next = now.saturating_add(EVERY_MS);
        }
    }
}
