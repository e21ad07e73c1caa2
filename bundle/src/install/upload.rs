//! The upload stream: read in big pieces, and not waited for without end.

use std::io::{self, Read};
use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// Seconds without a byte after which a sender is given up. The steward bounds the whole upload.
const PATIENCE: Timespec = Timespec {
    tv_sec: 60,
    tv_nsec: 0,
};

/// A stream of which each read waits for a bounded time.
#[derive(Debug)]
pub(super) struct Upload(OwnedFd);

impl Upload {
    pub(super) fn new(stream: OwnedFd) -> io::BufReader<Self> {
        io::BufReader::with_capacity(64 * 1024, Self(stream))
    }
}

impl Read for Upload {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut waited = [PollFd::new(&self.0, PollFlags::IN)];
        match poll(&mut waited, Some(&PATIENCE)) {
            Ok(0) => {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "nothing arrived for 60 seconds",
                ));
            }
            // EINTR: the caller tries again, as with every read.
            Err(Errno::INTR) => return Err(io::ErrorKind::Interrupted.into()),
            Err(error) => return Err(error.into()),
            Ok(_) => {}
        }
        Ok(rustix::io::read(&self.0, buffer)?)
    }
}
