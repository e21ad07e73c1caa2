//! A reference: a live channel to a service
//!
//! Calls go straight to the service; the broker is not asked again. Dropping it is the hang-up
//! that the service sees.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use limen_channel::{Buffer, Channel};
use limen_proto::calls::{Answer, Call};
use limen_proto::limits::CALL_FRAME;
use limen_proto::registry::Service;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::body;
use crate::error::Error;
use crate::line::{is_readable, span};

/// A live channel to a service.
pub struct Reference {
    socket: Channel<CALL_FRAME>,
    buffer: Box<Buffer<CALL_FRAME>>,
    service: Service,
    next_id: u32,
    patience: Duration,
}

impl std::fmt::Debug for Reference {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Reference")
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

impl Reference {
    pub(crate) fn new(socket: OwnedFd, service: Service) -> Self {
        Self {
            socket: Channel::from(socket),
            buffer: Box::new(Buffer::new()),
            service,
            next_id: 1,
            patience: Duration::from_secs(5),
        }
    }

    /// What was obtained.
    pub const fn service(&self) -> &Service {
        &self.service
    }

    /// How long a call waits for its answer; 5 s unless told.
    pub const fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Calls a method with arguments of the type that the interface has for it.
    ///
    /// # Errors
    /// [`Error::HungUp`] when the other side is gone; [`Error::TimedOut`] when no answer came,
    /// and the next call may be tried; [`Error::Call`] what the service says; [`Error::Unreadable`]
    /// when the result is of another type.
    pub fn call<A: Serialize + ?Sized, R: DeserializeOwned>(
        &mut self,
        method: u16,
        arguments: &A,
    ) -> Result<R, Error> {
        let arguments = body::write(arguments).ok_or(Error::TooLarge)?;
        self.exchange(method, &arguments, |result| {
            body::read(result).ok_or(Error::Unreadable)
        })
    }

    /// Calls a method with a body of one's own making and returns the result's body.
    ///
    /// # Errors
    /// As [`Reference::call`].
    pub fn call_raw(&mut self, method: u16, body: &[u8]) -> Result<Vec<u8>, Error> {
        self.exchange(method, body, |result| Ok(result.to_vec()))
    }

    fn exchange<R>(
        &mut self,
        method: u16,
        body: &[u8],
        read: impl FnOnce(&[u8]) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        let until = Some(Instant::now() + self.patience);
        self.socket.send(&Call { id, method, body }, &[])?;
        loop {
            if !is_readable(&self.socket, until)? {
                return Err(Error::TimedOut);
            }
            let received = self.socket.receive::<Answer<'_>>(&mut self.buffer)?;
            let (answer, _) = received.ok_or(Error::HungUp)?;
            // The late answer to a call that timed out belongs to nobody.
            if answer.id == id {
                return read(answer.result?);
            }
        }
    }

    /// Whether the other side hung up. Costs one system call and waits for nothing.
    pub fn is_over(&self) -> bool {
        self.wait_until_over(Duration::ZERO)
    }

    /// Waits for the other side to hang up, at most for `limit`. Returns whether it did.
    pub fn wait_until_over(&self, limit: Duration) -> bool {
        let until = Instant::now().checked_add(limit);
        loop {
            // No flags: a hang-up is always told, and answers are left alone.
            let mut polled = [PollFd::new(&self.socket, PollFlags::empty())];
            match poll(&mut polled, span(until).as_ref()) {
                Err(Errno::INTR) => {}
                other => return matches!(other, Ok(1..)),
            }
        }
    }
}

impl AsFd for Reference {
    /// For waiting only: readable when an answer or the hang-up is there.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        // Other descriptors of this end, in a forked child for one, would hide the hang-up.
        // What is refused here was over already.
        let _ = self.socket.shutdown();
    }
}
