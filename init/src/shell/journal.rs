//! What init says: to the kernel's log, and in one line a change to the console
//!
//! A line is formatted into a fixed buffer and cut when it is longer. The console is opened
//! non-blocking: a serial line that nobody reads costs lines, never time.

use core::fmt::{self, Write as _};
use std::os::fd::OwnedFd;

use heapless::String;
use rustix::fs::{Mode, OFlags};

/// Longest line, bytes.
const LINE: usize = 320;

/// How urgent a line is (`<linux/kern_levels.h>`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// A person must act.
    Error = 3,
    /// Something is not as it should be.
    Warning = 4,
    /// For whoever looks.
    Info = 6,
}

/// Where lines go.
pub(super) struct Journal {
    kernel: Option<OwnedFd>,
    console: Option<OwnedFd>,
}

/// A buffer that keeps the beginning of what does not fit.
struct Line(String<LINE>);

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if self.0.push(character).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }
}

impl Journal {
    /// Opens what there is; an ordinary process has standard error for a console.
    pub(super) fn open(first_process: bool) -> Self {
        let open = |path: &str| {
            let flags = OFlags::WRONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
            rustix::fs::open(path, flags, Mode::empty()).ok()
        };
        let standard_error = || rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stderr(), 3).ok();
        Self {
            kernel: if first_process {
                open("/dev/kmsg")
            } else {
                None
            },
            console: if first_process {
                open("/dev/console").or_else(standard_error)
            } else {
                standard_error()
            },
        }
    }

    /// A line for the kernel's log, where it carries the kernel's time.
    pub(super) fn log(&self, level: Level, text: fmt::Arguments<'_>) {
        let mut line = Line(String::new());
        let Some(kernel) = &self.kernel else {
            return self.show(format_args!("limen-init: {text}"));
        };
        let _ = write!(line, "<{}>limen-init: {text}", level as u8);
        let _ = rustix::io::write(kernel, line.0.as_bytes());
    }

    /// A line for whoever watches the console: markers of progress, one a change.
    pub(super) fn show(&self, text: fmt::Arguments<'_>) {
        let Some(console) = &self.console else { return };
        let mut line = Line(String::new());
        let _ = write!(line, "{text}");
        while line.0.len() >= LINE.saturating_sub(2) {
            line.0.pop();
        }
        let _ = line.0.push_str("\r\n");
        let _ = rustix::io::write(console, line.0.as_bytes());
    }
}
