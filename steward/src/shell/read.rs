//! Reading what arrives
//!
//! Each peer's messages become inputs of the core. A link that ends, or on which something else is
//! spoken, is dropped; only the control socket's end ends the steward.

use std::os::fd::OwnedFd;

use limen_channel::{Channel, ChannelError};
use limen_proto::control::Event;
use limen_proto::grant::Use;
use limen_proto::install::Report;
use limen_proto::logs;
use limen_proto::manage::Call;
use limen_proto::table::Role;

use super::error::ShellError;
use super::link::{Link, Word};
use super::log::line;
use super::serve::{Shell, Source};
use crate::core::turn::{HandId, Input, Peer};

/// Messages of one peer in one turn; the others get theirs first.
const MESSAGES: usize = 32;

impl Shell {
    pub(super) fn read(&mut self, source: Source) -> Result<(), ShellError> {
        for _ in 0..MESSAGES {
            let more = match source {
                Source::Control => self.read_control()?,
                Source::Peer(Peer::Management) => self.read_management(),
                Source::Peer(Peer::Broker) => self.read_broker(),
                Source::Peer(Peer::Logger) => self.read_logger(),
                Source::Hand(hand) => self.read_hand(hand),
                Source::KernelLog => self.read_kernel_log(),
            };
            if !more {
                break;
            }
        }
        Ok(())
    }

    fn read_control(&mut self) -> Result<bool, ShellError> {
        self.control.flush();
        let (event, descriptors) = match self.control.next::<Event>() {
            Word::Message(event, descriptors) => (event, descriptors),
            Word::Silence => return Ok(false),
            Word::Gone(why) => return Err(ShellError::Control(why)),
        };
        match event {
            Event::Reply { id, result } => self.take(Input::Answered { id, result }),
            Event::Report(report) => self.take(Input::Reported(report)),
            Event::Counted { unit, found } => self.take(Input::Counted(unit, found)),
            Event::KernelLog => self.kernel_log = descriptors.into_iter().next(),
            Event::Link { peer } => {
                if let Some(socket) = descriptors.into_iter().next() {
                    self.link(peer, socket);
                }
            }
            // Other roles' events.
            Event::Listener { .. }
            | Event::Stored { .. }
            | Event::Ended { .. }
            | Event::Source { .. }
            | Event::SourceEnded { .. } => {}
        }
        Ok(true)
    }

    fn link(&mut self, peer: Role, socket: OwnedFd) {
        let peer = match peer {
            Role::Management => {
                self.management = Some(Link::new(Channel::from(socket)));
                Peer::Management
            }
            Role::Broker => {
                self.broker = Some(Link::new(Channel::from(socket)));
                Peer::Broker
            }
            Role::Logger => {
                self.logger = Some(Link::new(Channel::from(socket)));
                Peer::Logger
            }
            Role::Steward | Role::Install | Role::Plain => return,
        };
        self.take(Input::Linked(peer));
    }

    fn read_management(&mut self) -> bool {
        let Some(link) = &mut self.management else {
            return false;
        };
        link.flush();
        match link.next::<Call>() {
            Word::Message(call, _) => self.take(Input::Called(call)),
            Word::Silence => return false,
            Word::Gone(why) => return self.unlink(Peer::Management, &why),
        }
        true
    }

    fn read_broker(&mut self) -> bool {
        let Some(link) = &mut self.broker else {
            return false;
        };
        link.flush();
        match link.next::<Use>() {
            Word::Message(event, _) => self.take(Input::Used(event)),
            Word::Silence => return false,
            Word::Gone(why) => return self.unlink(Peer::Broker, &why),
        }
        true
    }

    fn read_logger(&mut self) -> bool {
        let Some(link) = &mut self.logger else {
            return false;
        };
        link.flush();
        match link.next::<logs::Lines>() {
            Word::Message(lines, _) => self.take(Input::Read(lines)),
            Word::Silence => return false,
            Word::Gone(why) => return self.unlink(Peer::Logger, &why),
        }
        true
    }

    fn read_hand(&mut self, id: HandId) -> bool {
        let Some(hand) = self.hands.get_mut(&id) else {
            return false;
        };
        hand.link.flush();
        match hand.link.next::<Report>() {
            Word::Message(report, _) => self.take(Input::Handled(id, report)),
            Word::Silence => return false,
            Word::Gone(_) => {
                self.hands.remove(&id);
                self.take(Input::HandGone(id));
                return false;
            }
        }
        true
    }

    fn unlink(&mut self, peer: Peer, why: &str) -> bool {
        line(&format!("the link to {peer:?} ended: {why}"));
        match peer {
            Peer::Management => self.management = None,
            Peer::Broker => self.broker = None,
            Peer::Logger => self.logger = None,
        }
        self.take(Input::Unlinked(peer));
        false
    }

    pub(super) fn drop_broken(&mut self) -> Result<(), ShellError> {
        const WHY: &str = "it does not read what it is sent";
        if self.control.is_broken() {
            return Err(ShellError::Control(ChannelError::HungUp.to_string()));
        }
        if self.management.as_ref().is_some_and(Link::is_broken) {
            self.unlink(Peer::Management, WHY);
        }
        if self.broker.as_ref().is_some_and(Link::is_broken) {
            self.unlink(Peer::Broker, WHY);
        }
        if self.logger.as_ref().is_some_and(Link::is_broken) {
            self.unlink(Peer::Logger, WHY);
        }
        Ok(())
    }
}
