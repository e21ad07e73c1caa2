//! A channel without waiting: frames in and out on the runtime's terms
//!
//! [`Channel`] knows blocking and non-blocking calls; this couples the non-blocking ones with the
//! reactor, so that a peer that is slow stops nobody but its own caller.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use limen_channel::{Channel, ChannelError, Descriptors};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// One end of a link between core programs.
pub struct Link<const N: usize>(AsyncFd<Channel<N>>);

impl<const N: usize> Link<N> {
    /// Registers a channel with the runtime that runs now.
    ///
    /// # Errors
    /// Descriptors or memory of the kernel's event queue ran out.
    pub fn new(channel: Channel<N>) -> io::Result<Self> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        watched(channel, interest).map(Self)
    }

    /// Sends one frame once there is room. Safe to abandon: nothing is half sent.
    ///
    /// # Errors
    /// As [`Channel::try_send`].
    pub async fn send<T: Serialize>(&self, message: &T) -> Result<(), ChannelError> {
        loop {
            let mut guard = self.0.writable().await.map_err(kernel)?;
            match self.0.get_ref().try_send(message, &[]) {
                Err(ChannelError::WouldBlock) => guard.clear_ready(),
                other => return other,
            }
        }
    }

    /// Receives one frame once there is one. `None` is the hang-up. Safe to abandon.
    ///
    /// # Errors
    /// As [`Channel::try_take`].
    pub async fn receive<T: DeserializeOwned>(
        &self,
    ) -> Result<Option<(T, Descriptors)>, ChannelError> {
        loop {
            let mut guard = self.0.readable().await.map_err(kernel)?;
            match self.0.get_ref().try_take() {
                Err(ChannelError::WouldBlock) => guard.clear_ready(),
                other => return other,
            }
        }
    }
}

/// Registers an owned descriptor with the runtime that runs now.
///
/// # Errors
/// Descriptors or memory of the kernel's event queue ran out.
#[allow(
    deprecated,
    reason = "its successors are unsafe fns, for types that may swap their descriptor; \
              the types that come here own one descriptor for life"
)]
pub(crate) fn watched<T: AsFd + AsRawFd>(owner: T, interest: Interest) -> io::Result<AsyncFd<T>> {
    AsyncFd::with_interest(owner, interest)
}

/// The reactor fails only when the runtime is going down.
fn kernel(_: io::Error) -> ChannelError {
    ChannelError::HungUp
}
