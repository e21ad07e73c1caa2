//! The loop: wait, read, let the core decide, carry out
//!
//! Effects are carried out in the core's order. What goes wrong on the way (a hand that cannot be
//! made, a link that broke) is an input like any other.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::os::fd::{AsFd, OwnedFd};

use limen_channel::{Channel, ChannelError};
use limen_proto::control::{ControlError, Event, Request, Verb};
use limen_proto::grant::{Decision, Use};
use limen_proto::install::{Order, Report};
use limen_proto::limits::{CONTROL_FRAME, LINK_FRAME};
use limen_proto::logs;
use limen_proto::manage::{Answer, Call, Push, Refusal, RefusalKind};
use limen_proto::table::Role;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};

use super::error::ShellError;
use super::facts;
use super::gauge::Places;
use super::hand::Hand;
use super::link::{Link, Word};
use super::log::line;
use super::world::World;
use crate::core::Steward;
use crate::core::turn::{Effect, HandId, Input, Now, Peer};
use crate::state;

/// Messages of one peer in one turn; the others get theirs first.
const MESSAGES: usize = 32;
/// Quiet after a commit before the previous generation is renewed, milliseconds.
const QUIET_MS: u64 = 2_000;

/// How the steward is set up.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Where it finds the box.
    pub places: Places,
}

/// The steward with its sockets.
pub struct Shell {
    core: Steward,
    world: World,
    control: Link<Request, CONTROL_FRAME>,
    management: Option<Link<Push, LINK_FRAME>>,
    broker: Option<Link<Decision, CONTROL_FRAME>>,
    logger: Option<Link<logs::Read, LINK_FRAME>>,
    hands: BTreeMap<HandId, Hand>,
    inbox: VecDeque<Input>,
    watchdog_ms: u64,
    alive_due_ms: u64,
    keep_due_ms: Option<u64>,
}

/// A socket that something arrived on.
#[derive(Debug, Clone, Copy)]
enum Source {
    Control,
    Peer(Peer),
    Hand(HandId),
}

impl Shell {
    /// Reads the box and opens the state. `control` is the socket to init.
    ///
    /// # Errors
    /// Another steward holds the state.
    pub fn new(config: Config, control: Channel) -> Result<Self, ShellError> {
        let places = config.places;
        let opened = state::open(&places.state)?;
        let facts::Read {
            mut facts,
            watchdog_ms,
        } = facts::read(&places);
        facts.warnings.extend(opened.notes);
        facts.blind = opened.blind;
        facts.recovered = opened.recovered;
        let world = World {
            store: opened.store,
            places,
            core_units: facts.core_units.clone(),
            committed: false,
        };
        Ok(Self {
            core: Steward::new(opened.desired, facts),
            world,
            control: Link::new(control),
            management: None,
            broker: None,
            logger: None,
            hands: BTreeMap::new(),
            inbox: VecDeque::new(),
            watchdog_ms: u64::from(watchdog_ms),
            alive_due_ms: 0,
            keep_due_ms: None,
        })
    }

    /// Serves until init is gone.
    ///
    /// # Errors
    /// It is.
    pub fn run(mut self) -> Result<Infallible, ShellError> {
        self.request(Verb::Ready);
        self.take(Input::Start);
        loop {
            self.look_after(now());
            let sources = self.wait()?;
            if sources.is_empty() {
                self.take(Input::Tick);
            }
            for source in sources {
                self.read(source)?;
            }
            self.drop_broken()?;
        }
    }

    /// One input, and everything that follows from it.
    fn take(&mut self, input: Input) {
        self.inbox.push_back(input);
        while let Some(input) = self.inbox.pop_front() {
            for effect in self.core.handle(now(), &mut self.world, input) {
                self.carry_out(effect);
            }
        }
        if std::mem::take(&mut self.world.committed) && self.world.store.is_unkept() {
            self.keep_due_ms = Some(now().monotonic_ms + QUIET_MS);
        }
    }

    fn carry_out(&mut self, effect: Effect) {
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

    fn request(&mut self, verb: Verb) {
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

    fn look_after(&mut self, now: Now) {
        if self.watchdog_ms > 0 && now.monotonic_ms >= self.alive_due_ms {
            self.alive_due_ms = now.monotonic_ms + self.watchdog_ms / 3;
            self.request(Verb::Watchdog);
        }
        let quiet = self.keep_due_ms.is_some_and(|due| now.monotonic_ms >= due);
        if quiet || self.world.store.is_due() {
            self.keep_due_ms = None;
            if let Err(error) = self.world.store.keep_generation() {
                line(&format!(
                    "warning: no previous generation of the state was kept: {error}"
                ));
            }
        }
    }

    /// Waits until something arrives, something waiting can be sent, or time is up.
    fn wait(&mut self) -> Result<Vec<Source>, ShellError> {
        let now = now().monotonic_ms;
        let mut until = self.core.deadline_ms();
        if self.watchdog_ms > 0 {
            until = until.min(self.alive_due_ms);
        }
        until = until.min(self.keep_due_ms.unwrap_or(u64::MAX));
        let wait = until.saturating_sub(now);
        let timeout = Timespec {
            tv_sec: i64::try_from(wait / 1000).unwrap_or(i64::MAX),
            // Below 1000 milliseconds.
            tv_nsec: i64::try_from(wait % 1000).unwrap_or(0) * 1_000_000,
        };
        let mut sources = vec![Source::Control];
        let mut polled = vec![interest(&self.control, self.control.has_waiting())];
        if let Some(link) = &self.management {
            sources.push(Source::Peer(Peer::Management));
            polled.push(interest(link, link.has_waiting()));
        }
        if let Some(link) = &self.broker {
            sources.push(Source::Peer(Peer::Broker));
            polled.push(interest(link, link.has_waiting()));
        }
        if let Some(link) = &self.logger {
            sources.push(Source::Peer(Peer::Logger));
            polled.push(interest(link, link.has_waiting()));
        }
        for (id, hand) in &self.hands {
            sources.push(Source::Hand(*id));
            polled.push(interest(&hand.link, hand.link.has_waiting()));
        }
        match poll(&mut polled, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(ShellError::Poll(errno)),
        }
        let ready = sources
            .into_iter()
            .zip(&polled)
            .filter(|(_, polled)| !polled.revents().is_empty())
            .map(|(source, _)| source)
            .collect();
        Ok(ready)
    }

    fn read(&mut self, source: Source) -> Result<(), ShellError> {
        for _ in 0..MESSAGES {
            let more = match source {
                Source::Control => self.read_control()?,
                Source::Peer(Peer::Management) => self.read_management(),
                Source::Peer(Peer::Broker) => self.read_broker(),
                Source::Peer(Peer::Logger) => self.read_logger(),
                Source::Hand(hand) => self.read_hand(hand),
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

    fn drop_broken(&mut self) -> Result<(), ShellError> {
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

fn interest<F: AsFd>(socket: &F, sending: bool) -> PollFd<'_> {
    let mut flags = PollFlags::IN;
    flags.set(PollFlags::OUT, sending);
    PollFd::new(socket, flags)
}

fn now() -> Now {
    let milliseconds = |clock| {
        let time = clock_gettime(clock);
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        let rest = u64::try_from(time.tv_nsec / 1_000_000).unwrap_or(0);
        seconds.saturating_mul(1000).saturating_add(rest)
    };
    Now {
        // Goes on while the box sleeps, so that deadlines mean what callers mean.
        monotonic_ms: milliseconds(ClockId::Boottime),
        wall_ms: milliseconds(ClockId::Realtime),
    }
}
