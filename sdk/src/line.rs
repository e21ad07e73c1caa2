//! The line: one connection to the broker
//!
//! Frames in and out, nothing remembered. Whatever goes wrong on it ends it; the broker client
//! makes a new one.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Instant;

use limen_channel::{Buffer, Channel, ChannelError};
use limen_proto::limits::REGISTRY_FRAME;
use limen_proto::registry::{Event, Request, Verb};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

use crate::error::Error;

/// A connection to the broker.
pub(crate) struct Line {
    channel: Channel<REGISTRY_FRAME>,
    buffer: Buffer<REGISTRY_FRAME>,
    next_id: u32,
}

impl Line {
    /// Connects, or says at once that it is not possible now: a listener without a broker fills
    /// its backlog, and a serving program must not wait for that.
    pub(crate) fn open(path: &Path) -> Result<Self, Errno> {
        let socket = socket_with(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
            None,
        )?;
        connect(&socket, &SocketAddrUnix::new(path)?)?;
        rustix::io::ioctl_fionbio(&socket, false)?;
        Ok(Self {
            channel: Channel::from(socket),
            buffer: Buffer::new(),
            next_id: 1,
        })
    }

    /// Sends a request; its number comes back in the reply.
    pub(crate) fn ask(&mut self, verb: Verb) -> Result<u32, ChannelError> {
        let id = self.next_id;
        // 0 is the number of the refusal that answers no request.
        self.next_id = id.checked_add(1).unwrap_or(1);
        self.channel.send(&Request { id, verb }, &[])?;
        Ok(id)
    }

    /// The next event and what rides with it; none when `until` has passed.
    pub(crate) fn next(
        &mut self,
        until: Option<Instant>,
    ) -> Result<Option<(Event, Option<OwnedFd>)>, Error> {
        if !is_readable(&self.channel, until)? {
            return Ok(None);
        }
        match self.channel.receive(&mut self.buffer)? {
            Some((event, riders)) => Ok(Some((event, riders.into_iter().next()))),
            None => Err(Error::HungUp),
        }
    }
}

impl AsFd for Line {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.channel.as_fd()
    }
}

/// Waits until something can be read (a hang-up can); false when `until` has passed first.
pub(crate) fn is_readable(socket: impl AsFd, until: Option<Instant>) -> Result<bool, Errno> {
    let mut polled = [PollFd::new(&socket, PollFlags::IN)];
    loop {
        match poll(&mut polled, span(until).as_ref()) {
            Err(Errno::INTR) => {}
            other => return Ok(other? > 0),
        }
    }
}

/// How long it is until then, as the kernel wants it; none is for ever.
pub(crate) fn span(until: Option<Instant>) -> Option<Timespec> {
    let left = until?.saturating_duration_since(Instant::now());
    Timespec::try_from(left).ok()
}
