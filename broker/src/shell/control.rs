//! The control socket: init's events, the descriptor store
//!
//! Sends wait for room: init reads its sockets in every turn and the broker is nothing without it.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd};

use limen_channel::{Buffer, Channel, ChannelError, Descriptors};
use limen_proto::control::{Event, Request, Verb};

use super::error::ShellError;
use crate::core::references::Record;

/// The end of the control socket.
pub(super) struct Control {
    channel: Channel,
    buffer: Buffer,
    next_id: u32,
    /// `Store` requests that init has not answered, by request.
    storing: BTreeMap<u32, u64>,
}

impl Control {
    pub(super) const fn new(channel: Channel) -> Self {
        Self {
            channel,
            buffer: Buffer::new(),
            next_id: 1,
            storing: BTreeMap::new(),
        }
    }

    /// Tells init that the loop runs.
    pub(super) fn ready(&mut self) -> Result<(), ShellError> {
        self.ask(Verb::Ready, &[])
            .map(drop)
            .map_err(ShellError::Control)
    }

    /// Hands init a duplicate to keep.
    pub(super) fn store(
        &mut self,
        reference: u64,
        record: &Record,
        kept: BorrowedFd<'_>,
    ) -> Result<(), ChannelError> {
        let Record {
            caller,
            service,
            service_id,
            grant,
        } = *record;
        let verb = Verb::Store {
            reference,
            caller,
            service,
            service_id,
            grant,
        };
        let id = self.ask(verb, &[kept])?;
        self.storing.insert(id, reference);
        Ok(())
    }

    /// Lets init close its duplicate.
    pub(super) fn drop_stored(&mut self, reference: u64) {
        // A control socket that fails here is seen by the loop as a hang-up.
        let _ = self.ask(Verb::Drop { reference }, &[]);
    }

    fn ask(&mut self, verb: Verb, descriptors: &[BorrowedFd<'_>]) -> Result<u32, ChannelError> {
        let id = self.next_id;
        self.next_id = self.next_id.wrapping_add(1);
        self.channel.send(&Request { id, verb }, descriptors)?;
        Ok(id)
    }

    /// The next event, if one is there.
    pub(super) fn next(&mut self) -> Result<Option<(Event, Descriptors)>, ShellError> {
        match self.channel.try_receive(&mut self.buffer) {
            Ok(Some(event)) => Ok(Some(event)),
            Ok(None) => Err(ShellError::InitGone),
            Err(ChannelError::WouldBlock) => Ok(None),
            Err(error) => Err(ShellError::Control(error)),
        }
    }

    /// The reference whose `Store` this reply answers.
    pub(super) fn answered(&mut self, id: u32) -> Option<u64> {
        self.storing.remove(&id)
    }
}

impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.channel.as_fd()
    }
}
