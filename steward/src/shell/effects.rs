//! Carrying out what the core decided
//!
//! In the core's order. What goes wrong on the way (a hand that cannot be made, a request that does
//! not fit) is an input like any other.

use std::os::fd::OwnedFd;

use limen_proto::control::{ControlError, Request, Verb};
use limen_proto::install::Order;
use limen_proto::manage::{Answer, Push, Refusal, RefusalKind};

use super::hand::Hand;
use super::log::line;
use super::serve::Shell;
use crate::core::turn::{Effect, HandId, Input};

impl Shell {
    pub(super) fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Ask(request) => self.ask(request, Vec::new()),
            Effect::Hand { id, hand, order } => self.start_hand(id, hand, order),
            Effect::Tell(hand, order) => {
                if let Some(hand) = self.hands.get_mut(&hand) {
                    // A refusal text is bounded; when it does not fit, the hand's end tells.
                    let _ = hand.link.send(order, Vec::new());
                }
            }
            Effect::Upload { call, hand } => self.upload(call, hand),
            Effect::Drop(hand) => {
                self.hands.remove(&hand);
            }
            Effect::Decide(decision) => {
                if let Some(link) = &mut self.broker {
                    // A decision has a fixed maximum below the frame's.
                    let _ = link.send(decision, Vec::new());
                }
            }
            Effect::ReadLogs(read) => {
                if let Some(link) = &mut self.logger {
                    let _ = link.send(read, Vec::new());
                }
            }
            Effect::Push(push) => self.push(push, Vec::new()),
            Effect::Log(text) => line(&text),
        }
    }

    pub(super) fn request(&mut self, verb: Verb) {
        // Number 0: the core counts from 1, and nobody waits for this answer.
        self.ask(Request { id: 0, verb }, Vec::new());
    }

    fn ask(&mut self, request: Request, descriptors: Vec<OwnedFd>) {
        let id = request.id;
        if let Err(error) = self.control.send(request, descriptors) {
            line(&format!(
                "warning: request {id} to init was not sent: {error}"
            ));
            self.inbox.push_back(Input::Answered {
                id,
                result: Err(ControlError::Malformed),
            });
        }
    }

    fn start_hand(&mut self, id: u32, hand: HandId, order: Order) {
        match Hand::new(order) {
            Ok((made, descriptors)) => {
                self.hands.insert(hand, made);
                let verb = Verb::StartHand {
                    slot: hand.slot,
                    run: hand.run,
                };
                self.ask(Request { id, verb }, descriptors);
            }
            Err(error) => {
                line(&format!("warning: no channel for limen-install: {error}"));
                let result = Err(ControlError::Kernel(error.errno()));
                self.inbox.push_back(Input::Answered { id, result });
            }
        }
    }

    fn upload(&mut self, call: u32, hand: HandId) {
        let stream = self
            .hands
            .get_mut(&hand)
            .and_then(|hand| hand.stream.take());
        if let Some(stream) = stream {
            let push = Push::Reply {
                id: call,
                result: Ok(Answer::Upload),
            };
            self.push(push, vec![stream]);
        }
    }

    fn push(&mut self, push: Push, descriptors: Vec<OwnedFd>) {
        let Some(link) = &mut self.management else {
            return;
        };
        let id = match &push {
            Push::Reply { id, .. } => Some(*id),
            Push::TrustChanged | Push::Progress { .. } => None,
        };
        if let (Err(error), Some(id)) = (link.send(push, descriptors), id) {
            let refusal = Refusal {
                kind: RefusalKind::Failed,
                message: format!("the answer cannot be sent ({error}); ask for less at once"),
            };
            let push = Push::Reply {
                id,
                result: Err(refusal),
            };
            // A short text fits.
            let _ = link.send(push, Vec::new());
        }
    }
}
