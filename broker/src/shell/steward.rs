//! The link to the steward: decisions in, reports out
//!
//! A steward that does not read makes nobody wait: reports queue here. Those that a bundle can
//! cause are dropped beyond [`REPORTS`]; `Revoked` never is, because each answers a decision.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd};

use limen_channel::{Buffer, Channel, ChannelError};
use limen_proto::grant::{Decision, Use};

use super::sources::Token;

/// Most reports of use that wait.
const REPORTS: usize = 256;

/// One steward's link; a restarted steward comes with a new one.
pub(super) struct Steward {
    channel: Channel,
    buffer: Buffer,
    waiting: VecDeque<Use>,
    pub(super) token: Token,
}

/// What came over the link.
pub(super) enum Word {
    /// A decision.
    Decision(Decision),
    /// Nothing more now.
    Silence,
    /// The steward is gone, or speaks something else: the link is useless.
    Gone,
}

impl Steward {
    pub(super) const fn new(channel: Channel, token: Token) -> Self {
        Self {
            channel,
            buffer: Buffer::new(),
            waiting: VecDeque::new(),
            token,
        }
    }

    pub(super) fn next(&mut self) -> Word {
        match self.channel.try_receive(&mut self.buffer) {
            Ok(Some((decision, _))) => Word::Decision(decision),
            Err(ChannelError::WouldBlock) => Word::Silence,
            Ok(None) | Err(_) => Word::Gone,
        }
    }

    pub(super) fn report(&mut self, report: Use) {
        let answers = matches!(report, Use::Revoked { .. });
        if answers || self.waiting.len() < REPORTS {
            self.waiting.push_back(report);
        }
        self.flush();
    }

    pub(super) fn flush(&mut self) {
        while let Some(report) = self.waiting.front() {
            match self.channel.try_send(report, &[]) {
                Err(ChannelError::WouldBlock) => return,
                // A link that failed is noticed when it is read.
                Ok(()) | Err(_) => drop(self.waiting.pop_front()),
            }
        }
    }

    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }
}

impl AsFd for Steward {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.channel.as_fd()
    }
}
