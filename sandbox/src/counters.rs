//! The counters of a cgroup, read by whoever holds its directory
//!
//! Without allocation, for PID 1. A file that is not there counts nothing.

use std::os::fd::BorrowedFd;

use limen_proto::account::{Counters, FILES, MEMORY_EVENTS};
use rustix::fs::{Mode, OFlags};

/// Longest file that is read: `cpu.stat` with its statistics of bursts has about 300 bytes.
const TEXT: usize = 1024;

/// Reads them.
pub fn read(directory: BorrowedFd<'_>) -> Counters {
    read_files(directory, &FILES)
}

/// How many processes the kernel killed there for want of memory: one file, because a restart waits
/// for the answer.
pub fn oom_kills(directory: BorrowedFd<'_>) -> u64 {
    read_files(directory, &[MEMORY_EVENTS]).oom_kills
}

fn read_files(directory: BorrowedFd<'_>, files: &[&'static str]) -> Counters {
    let mut counters = Counters::default();
    for file in files.iter().copied() {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let Ok(opened) = rustix::fs::openat(directory, file, flags, Mode::empty()) else {
            continue;
        };
        let mut text = [0; TEXT];
        let length = rustix::io::read(&opened, &mut text).unwrap_or(0);
        let text = text.get(..length).unwrap_or_default();
        counters.take(file, core::str::from_utf8(text).unwrap_or_default());
    }
    counters
}
