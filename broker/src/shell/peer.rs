//! A bundle's connection and what waits for it
//!
//! The registry bounds the queue; this only keeps it in order. A frame keeps its descriptor until
//! the kernel has taken both.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use limen_channel::{Buffer, Channel, ChannelError};
use limen_proto::limits::REGISTRY_FRAME;
use limen_proto::registry::{Event, Request};

use super::sources::Token;

/// One connection.
pub(super) struct Peer {
    channel: Channel<REGISTRY_FRAME>,
    queue: VecDeque<(Event, Option<OwnedFd>)>,
    pub(super) token: Token,
}

/// What a peer sent.
pub(super) enum Word {
    /// A request.
    Request(Request),
    /// Nothing more now.
    Silence,
    /// It hung up.
    Gone,
    /// Something that is not a request, or a request with a descriptor.
    Offence,
}

/// What became of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flushed {
    /// So many frames left; the rest waits for room.
    Frames(usize),
    /// The peer is gone.
    Gone,
}

impl Peer {
    pub(super) const fn new(channel: Channel<REGISTRY_FRAME>, token: Token) -> Self {
        Self {
            channel,
            queue: VecDeque::new(),
            token,
        }
    }

    /// `buffer` is shared by all peers: nothing of a request is borrowed.
    pub(super) fn next(&self, buffer: &mut Buffer<REGISTRY_FRAME>) -> Word {
        match self.channel.try_receive(buffer) {
            Ok(Some((request, descriptors))) if descriptors.is_empty() => Word::Request(request),
            Ok(Some(_)) => Word::Offence,
            Ok(None) => Word::Gone,
            Err(ChannelError::WouldBlock) => Word::Silence,
            Err(ChannelError::TooLong | ChannelError::Descriptors | ChannelError::Frame(_)) => {
                Word::Offence
            }
            Err(ChannelError::HungUp | ChannelError::Kernel(_)) => Word::Gone,
        }
    }

    pub(super) fn queue(&mut self, event: Event, descriptor: Option<OwnedFd>) {
        self.queue.push_back((event, descriptor));
    }

    pub(super) fn flush(&mut self) -> Flushed {
        let mut frames = 0;
        while let Some((event, descriptor)) = self.queue.front() {
            let riders: Vec<BorrowedFd<'_>> = descriptor.iter().map(AsFd::as_fd).collect();
            match self.channel.try_send(event, &riders) {
                Ok(()) => {
                    self.queue.pop_front();
                    frames += 1;
                }
                // ETOOMANYREFS: descriptors of ours are in flight to readers that do not read.
                Err(
                    ChannelError::WouldBlock | ChannelError::Kernel(rustix::io::Errno::TOOMANYREFS),
                ) => break,
                Err(_) => return Flushed::Gone,
            }
        }
        Flushed::Frames(frames)
    }

    pub(super) fn has_waiting(&self) -> bool {
        !self.queue.is_empty()
    }
}

impl AsFd for Peer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.channel.as_fd()
    }
}
