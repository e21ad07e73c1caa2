//! One socket, and what waits to be sent on it
//!
//! Sending never waits: what the peer does not take is queued, with its descriptors, up to a bound.
//! Beyond that the peer is hung, and the link is given up.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use limen_channel::{Channel, ChannelError, Descriptors};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Most messages that wait for a peer.
const WAITING: usize = 1024;

/// A link that sends `T`, in frames of at most `N` bytes.
pub(super) struct Link<T, const N: usize> {
    channel: Channel<N>,
    waiting: VecDeque<(T, Vec<OwnedFd>)>,
    broken: bool,
}

/// What came over a link.
pub(super) enum Word<R> {
    /// A message, and the descriptors that rode on it.
    Message(R, Descriptors),
    /// Nothing more now.
    Silence,
    /// The peer is gone, hung, or speaks something else.
    Gone(String),
}

impl<T: Serialize, const N: usize> Link<T, N> {
    pub(super) fn new(channel: Channel<N>) -> Self {
        Self {
            channel,
            waiting: VecDeque::new(),
            broken: false,
        }
    }

    /// Sends a message, now or as soon as the peer takes it.
    ///
    /// # Errors
    /// The message does not fit a frame; it was dropped and the link stands.
    pub(super) fn send(
        &mut self,
        message: T,
        descriptors: Vec<OwnedFd>,
    ) -> Result<(), ChannelError> {
        if self.waiting.len() >= WAITING {
            self.broken = true;
            return Ok(());
        }
        if self.waiting.is_empty() {
            match self.transmit(&message, &descriptors) {
                Err(ChannelError::WouldBlock) => {}
                Err(error @ ChannelError::Frame(_)) => return Err(error),
                Ok(()) => return Ok(()),
                Err(_) => {
                    self.broken = true;
                    return Ok(());
                }
            }
        }
        self.waiting.push_back((message, descriptors));
        Ok(())
    }

    fn transmit(&self, message: &T, descriptors: &[OwnedFd]) -> Result<(), ChannelError> {
        let borrowed: Vec<BorrowedFd<'_>> = descriptors.iter().map(AsFd::as_fd).collect();
        self.channel.try_send(message, &borrowed)
    }

    /// Sends what waits, as far as the peer takes it.
    pub(super) fn flush(&mut self) {
        while let Some((message, descriptors)) = self.waiting.front() {
            match self.transmit(message, descriptors) {
                Err(ChannelError::WouldBlock) => return,
                // Too large for a frame: nothing that waiting would change.
                Ok(()) | Err(ChannelError::Frame(_)) => drop(self.waiting.pop_front()),
                Err(_) => {
                    self.broken = true;
                    return;
                }
            }
        }
    }

    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether the link is of no use any more.
    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Takes the next message.
    pub(super) fn next<R: DeserializeOwned>(&mut self) -> Word<R> {
        match self.channel.try_take() {
            Ok(Some((message, descriptors))) => Word::Message(message, descriptors),
            Ok(None) => Word::Gone("the peer hung up".to_owned()),
            Err(ChannelError::WouldBlock) => Word::Silence,
            Err(error) => Word::Gone(error.to_string()),
        }
    }
}

impl<T, const N: usize> AsFd for Link<T, N> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.channel.as_fd()
    }
}
