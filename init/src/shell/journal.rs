//! What init says: to the kernel's log, and in one line a change to the console
//!
//! A line is formatted into a fixed buffer and cut when it is longer. What concerns a life waits for
//! a moment, so that no start pays for a serial line. The console is opened non-blocking: what a slow
//! one does not take at once waits in a fixed buffer, and behind a full buffer whole lines are lost. A
//! console that nobody reads costs lines, never time.

use core::cell::{Cell, RefCell};
use core::fmt::{self, Write as _};
use std::os::fd::OwnedFd;

use heapless::{String, Vec};
use rustix::fs::{Mode, OFlags};

/// Longest line, bytes.
const LINE: usize = 320;
/// Room for what the console does not take at once, bytes.
const WAITING: usize = 8192;
/// Longest wait of a line for the console, and time after which a console that was full is tried
/// again, milliseconds.
const CONSOLE_MS: u64 = 100;

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
    waiting: RefCell<Vec<u8, WAITING>>,
    /// When what waits shall go.
    due: Cell<Option<u64>>,
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
            waiting: RefCell::new(Vec::new()),
            due: Cell::new(None),
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

    /// A line for whoever watches the console, at once.
    pub(super) fn show(&self, text: fmt::Arguments<'_>) {
        self.note(text);
        self.flush();
    }

    /// A line for whoever watches the console, in a moment: markers of progress, one a change.
    pub(super) fn note(&self, text: fmt::Arguments<'_>) {
        let mut line = Line(String::new());
        let _ = write!(line, "{text}");
        while line.0.len() >= LINE {
            line.0.pop();
        }
        let _ = line.0.push('\n');
        if let Ok(mut waiting) = self.waiting.try_borrow_mut() {
            // All of the line or nothing: half a line would look like another one.
            let _ = waiting.extend_from_slice(line.0.as_bytes());
        }
        if self.waits() > WAITING / 2 {
            self.flush();
        }
    }

    /// Gives the console what has waited for long enough.
    pub(super) fn tend(&self, now: u64) {
        if self.due.get().is_some_and(|due| due <= now) {
            self.flush();
            self.due.set(None);
        }
        if self.due.get().is_none() && self.waits() > 0 {
            self.due.set(Some(now.saturating_add(CONSOLE_MS)));
        }
    }

    /// When it is to be tended.
    pub(super) fn deadline(&self) -> Option<u64> {
        self.due.get()
    }

    /// Gives the console what waits.
    pub(super) fn flush(&self) {
        let (Some(console), Ok(mut waiting)) = (&self.console, self.waiting.try_borrow_mut())
        else {
            return;
        };
        while !waiting.is_empty() {
            let Ok(length) = rustix::io::write(console, &waiting) else {
                return;
            };
            let length = length.min(waiting.len());
            let left = waiting.len().saturating_sub(length);
            waiting.rotate_left(length);
            waiting.truncate(left);
        }
    }

    /// What waits for the console, bytes.
    fn waits(&self) -> usize {
        match (&self.console, self.waiting.try_borrow()) {
            (Some(_), Ok(waiting)) => waiting.len(),
            _ => 0,
        }
    }
}
