//! Control sockets: requests in, events out
//!
//! A request is answered after the effects that it caused were carried out; adjusting, when
//! limen-jail has come back. A unit that does not
//! read what it is told, until a megabyte waits, is hung: it is killed, and its successor is told
//! again. Waiting for it would make PID 1 wait.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use limen_channel::{Buffer, ChannelError, Descriptors};
use limen_proto::control::{ControlError, Event, Request, Verb};
use limen_proto::id::{UnitId, UnitRef};
use rustix::process::{Signal, pidfd_send_signal};

use super::Shell;
use super::journal::Level;

/// Requests of one unit in one turn of the loop; the others get theirs first.
const REQUESTS: usize = 16;

/// What becomes of the descriptors of an accepted request.
enum Keep {
    Nothing,
    Hand(UnitId),
    Stored(u64),
}

impl Keep {
    fn of(verb: &Verb) -> Self {
        match verb {
            Verb::StartHand { slot, run } => Self::Hand(UnitId::Hand(*slot, *run)),
            Verb::Store { reference, .. } => Self::Stored(*reference),
            _ => Self::Nothing,
        }
    }
}

impl Shell {
    /// Reads what a unit asks.
    pub(super) fn serve(&mut self, life: UnitRef) {
        for _ in 0..REQUESTS {
            let Some(books) = self.lives.get(life) else {
                return;
            };
            let Some(control) = &books.control else {
                return;
            };
            let mut buffer = Buffer::new();
            match control.try_receive::<Request>(&mut buffer) {
                Ok(Some((request, descriptors))) => self.answer(life, request, descriptors),
                Ok(None) | Err(ChannelError::Kernel(_) | ChannelError::HungUp) => {
                    // It closed its end; should it live on, it lives on unheard.
                    books.control = None;
                    return;
                }
                Err(ChannelError::WouldBlock) => return,
                Err(ChannelError::TooLong | ChannelError::Descriptors | ChannelError::Frame(_)) => {
                    let result = Err(ControlError::Malformed);
                    self.tell(life, &Event::Reply { id: 0, result }, &[]);
                }
            }
        }
    }

    fn answer(&mut self, life: UnitRef, request: Request, descriptors: Descriptors) {
        let Request { id, verb } = request;
        if matches!(verb, Verb::Ready) {
            // The proof that it was executed comes on another socket, and before this.
            self.hear_jail(life);
        }
        let (keep, adjusting) = (Keep::of(&verb), matches!(verb, Verb::Adjust { .. }));
        let result = self.core.request(life, verb, descriptors.len(), self.now);
        if result.is_ok() {
            self.keep(keep, descriptors);
            self.asked = adjusting.then_some((life, id));
        }
        self.carry_out();
        if adjusting && result.is_ok() && self.asked.take().is_none() {
            // The errand took the question along, and answers it.
            return;
        }
        self.tell(life, &Event::Reply { id, result }, &[]);
    }

    fn keep(&mut self, keep: Keep, descriptors: Descriptors) {
        let mut descriptors = descriptors.into_iter();
        match (keep, descriptors.next(), descriptors.next()) {
            (Keep::Hand(unit), Some(channel), Some(stream)) => {
                self.hand = Some((unit, channel, stream));
            }
            (Keep::Stored(reference), Some(descriptor), None) => {
                // The core's table of records is as large as this one.
                let _ = self.stored.push((reference, descriptor));
            }
            _ => {}
        }
    }

    /// Sends an event to a life; one that is over hears nothing.
    pub(super) fn tell(&mut self, to: UnitRef, event: &Event, descriptors: &[BorrowedFd<'_>]) {
        let Some(books) = self.lives.get(to) else {
            return;
        };
        let Some(control) = &books.control else {
            return;
        };
        match control.try_send(event, descriptors) {
            Ok(()) | Err(ChannelError::HungUp) => {}
            Err(ChannelError::WouldBlock) => {
                let text = format_args!(
                    "unit {} does not read its control socket; killing it",
                    to.unit
                );
                self.journal.log(Level::Error, text);
                if let Some(main) = &books.main {
                    let _ = pidfd_send_signal(&main.process, Signal::KILL);
                }
            }
            Err(error) => self.journal.log(
                Level::Warning,
                format_args!("could not tell unit {}: {error}", to.unit),
            ),
        }
    }

    /// The stored descriptor of a reference.
    pub(super) fn stored(&self, reference: u64) -> Option<&OwnedFd> {
        self.stored
            .iter()
            .find(|(number, _)| *number == reference)
            .map(|(_, descriptor)| descriptor)
    }

    /// Gives a stored descriptor back to the broker.
    pub(super) fn tell_stored(&mut self, to: UnitRef, reference: u64) {
        let Some(record) = self.core.record(reference).copied() else {
            return;
        };
        let Some(Ok(copy)) = self.stored(reference).map(super::build::duplicate) else {
            return;
        };
        let event = Event::Stored {
            reference,
            caller: record.caller,
            service: record.service,
            service_id: record.service_id,
            grant: record.grant,
        };
        self.tell(to, &event, &[copy.as_fd()]);
    }
}
