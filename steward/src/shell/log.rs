//! Lines on standard error, which init leads to the logger
//!
//! The pipe may be full when the logger hangs. A line is then lost: the steward has better things
//! to do than to wait for its own log.

use std::io::{Write as _, stderr};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Longest line, bytes: a pipe that is writable takes that much at once.
const LINE: usize = 4000;

/// Writes one line, if it can be written now.
pub fn line(text: &str) {
    let mut text = text.replace(['\n', '\r'], " ");
    let end = (0..=LINE.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end));
    text.truncate(end.unwrap_or(0));
    text.push('\n');
    let error = stderr();
    let mut ready = [PollFd::new(&error, PollFlags::OUT)];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    if poll(&mut ready, Some(&now)).is_ok_and(|count| count > 0) {
        // There is nowhere left to tell.
        let _ = error.lock().write_all(text.as_bytes());
    }
}
