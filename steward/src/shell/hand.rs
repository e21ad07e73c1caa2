//! The steward's side of one run of limen-install
//!
//! A channel for orders and reports, and for an installation the write end of the stream, until it
//! is given to mgmt. The hand's own ends ride to init with the request that starts it; ours of them
//! are closed then, so that the hand's end is seen as a hang-up.

use std::os::fd::OwnedFd;

use limen_channel::{Channel, ChannelError};
use limen_proto::install::Order;
use limen_proto::limits::LINK_FRAME;
use rustix::pipe::{PipeFlags, pipe_with};

use super::link::Link;

/// One hand.
pub(super) struct Hand {
    pub(super) link: Link<Order, LINK_FRAME>,
    pub(super) stream: Option<OwnedFd>,
}

impl Hand {
    /// A hand that shall do `order`, and the two descriptors that it is started with.
    ///
    /// # Errors
    /// Descriptors ran out, or the order does not fit a frame.
    pub(super) fn new(order: Order) -> Result<(Self, Vec<OwnedFd>), ChannelError> {
        let (ours, theirs) = Channel::pair()?;
        let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
        let takes_stream = matches!(order, Order::Install { .. });
        let mut link = Link::new(ours);
        link.send(order, Vec::new())?;
        let hand = Self {
            link,
            // Other orders read nothing: their stream ends at once.
            stream: takes_stream.then_some(write),
        };
        Ok((hand, vec![theirs.into(), read]))
    }
}
