//! Carrying effects out
//!
//! An effect can be the cause of the next input (a frame left, a peer turned out to be gone, the
//! kernel had no descriptor): those wait in a list, so that the registry is never entered twice.

use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};

use limen_channel::Channel;
use limen_proto::limits::CALL_FRAME;
use limen_proto::registry::{Answer, Event};

use super::peer::Flushed;
use super::turn::Shell;
use crate::core::peers::PeerId;
use crate::core::references::Record;
use crate::core::{Effect, Handover, Input};

impl Shell {
    /// Gives the registry an input and does what it wants done, and all that follows.
    pub(super) fn happen(&mut self, input: Input) {
        let mut inputs = std::mem::take(&mut self.inputs);
        inputs.push_back(input);
        let mut effects = Vec::new();
        while let Some(input) = inputs.pop_front() {
            self.registry.step(input, &mut effects);
            for effect in effects.drain(..) {
                self.carry_out(effect, &mut inputs);
            }
        }
        self.inputs = inputs;
    }

    fn carry_out(&mut self, effect: Effect, inputs: &mut VecDeque<Input>) {
        match effect {
            Effect::Send { peer, event } => self.deliver(peer, event, None, inputs),
            Effect::Hand(handover) => self.hand(handover, inputs),
            Effect::Cut { reference } => {
                if self.kept.cut(&mut self.sources, reference) {
                    self.control.drop_stored(reference);
                }
            }
            Effect::Forget { reference } => {
                if self.kept.forget(&mut self.sources, reference) {
                    self.control.drop_stored(reference);
                }
            }
            Effect::Disconnect { peer } => self.disconnect(peer),
            Effect::CloseListener(unit) => {
                if let Some((listener, token)) = self.listeners.remove(&unit) {
                    self.sources.remove(&token, &listener);
                }
            }
            Effect::Report(report) => {
                if let Some(steward) = &mut self.steward {
                    steward.report(report);
                }
            }
        }
    }

    fn deliver(
        &mut self,
        peer: PeerId,
        event: Event,
        descriptor: Option<OwnedFd>,
        inputs: &mut VecDeque<Input>,
    ) {
        if let Some(connection) = self.peers.get_mut(&peer) {
            connection.queue(event, descriptor);
            self.flush(peer, inputs);
        }
    }

    /// Sends what waits for a peer, as far as its socket takes it.
    pub(super) fn flush(&mut self, peer: PeerId, inputs: &mut VecDeque<Input>) {
        match self.peers.get_mut(&peer).map(|peer| peer.flush()) {
            Some(Flushed::Frames(frames)) => {
                inputs.extend((0..frames).map(|_| Input::Sent { peer }));
            }
            Some(Flushed::Gone) => {
                self.disconnect(peer);
                inputs.push_back(Input::Closed { peer });
            }
            None => {}
        }
    }

    pub(super) fn disconnect(&mut self, peer: PeerId) {
        if let Some(connection) = self.peers.remove(&peer) {
            self.sources.remove(&connection.token, &connection);
        }
    }

    fn hand(&mut self, handover: Handover, inputs: &mut VecDeque<Input>) {
        let Handover {
            reference,
            record,
            caller_peer,
            request,
            service,
            service_peer,
            caller,
        } = handover;
        let Some((caller_end, service_end)) = self.make_pair(reference, &record) else {
            inputs.push_back(Input::NotHanded {
                reference,
                caller: caller_peer,
                request,
                service: service_peer,
            });
            return;
        };
        let incoming = Event::Incoming {
            service: service.id,
            reference,
            caller,
        };
        self.deliver(service_peer, incoming, Some(service_end), inputs);
        let reply = Event::Reply {
            id: request,
            result: Ok(Answer::Reference { reference, service }),
        };
        self.deliver(caller_peer, reply, Some(caller_end), inputs);
    }

    /// A pair whose service end is kept, here and at init. Stored before either end leaves, so
    /// that no reference exists which a restarted broker could not cut.
    fn make_pair(&mut self, reference: u64, record: &Record) -> Option<(OwnedFd, OwnedFd)> {
        let (caller_end, service_end) = Channel::<CALL_FRAME>::pair().ok()?;
        let kept = OwnedFd::from(service_end.duplicate().ok()?);
        let stored = self.control.store(reference, record, kept.as_fd());
        let watched = self.kept.add(&mut self.sources, reference, kept);
        if stored.is_ok() && watched.is_ok() {
            return Some((caller_end.into(), service_end.into()));
        }
        self.kept.forget(&mut self.sources, reference);
        self.control.drop_stored(reference);
        None
    }
}
