//! The loop
//!
//! One turn: say what is waited for, wait, handle what is ready in the kernel's order. Work per
//! source and turn is bounded, so that nobody keeps the others waiting.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::os::fd::OwnedFd;

use limen_channel::{Buffer, Channel, Descriptors, Listener};
use limen_proto::control::Event;
use limen_proto::id::UnitRef;
use limen_proto::limits::REGISTRY_FRAME;
use limen_proto::table::Role;
use rustix::event::epoll::EventFlags;
use rustix::net::sockopt::set_socket_send_buffer_size;
use rustix::time::{ClockId, clock_gettime};

use super::control::Control;
use super::error::ShellError;
use super::kept::Kept;
use super::peer::{self, Peer};
use super::sources::{Source, Sources, Token};
use super::steward::{self, Steward};
use crate::core::peers::PeerId;
use crate::core::references::Record;
use crate::core::{Input, Registry};

/// Most requests of one peer, and most new peers of one listener, in one turn.
const BURST: usize = 8;
/// Room in the kernel for what a peer has not read, bytes; the kernel doubles it. A few frames for
/// each of 384 peers stay far below the broker's own limit of memory.
const SEND_BUFFER: usize = 8192;

/// The broker: registry and sockets.
pub struct Shell {
    pub(super) registry: Registry,
    pub(super) sources: Sources,
    pub(super) control: Control,
    pub(super) steward: Option<Steward>,
    pub(super) listeners: HashMap<UnitRef, (Listener<REGISTRY_FRAME>, Token)>,
    pub(super) peers: BTreeMap<PeerId, Peer>,
    pub(super) kept: Kept,
    buffer: Buffer<REGISTRY_FRAME>,
    /// Empty between two inputs; it stays for its memory.
    pub(super) inputs: VecDeque<Input>,
    next_peer: u64,
}

impl Shell {
    /// A broker that speaks to init over `control`.
    ///
    /// # Errors
    /// The kernel has no descriptor left.
    pub fn new(control: Channel) -> Result<Self, ShellError> {
        let mut sources = Sources::new()?;
        sources
            .add(&control, Source::Control, EventFlags::IN)
            .map_err(|errno| ShellError::Kernel("epoll_ctl", errno))?;
        Ok(Self {
            registry: Registry::new(first_id()),
            sources,
            control: Control::new(control),
            steward: None,
            listeners: HashMap::new(),
            peers: BTreeMap::new(),
            kept: Kept::default(),
            buffer: Buffer::new(),
            inputs: VecDeque::new(),
            next_peer: 1,
        })
    }

    /// Runs until init is gone.
    ///
    /// # Errors
    /// See [`ShellError`]; it never ends well.
    pub fn run(mut self) -> Result<std::convert::Infallible, ShellError> {
        self.control.ready()?;
        loop {
            self.turn(None)?;
        }
    }

    /// One turn that waits at most `limit` milliseconds.
    pub(super) fn turn(&mut self, limit: Option<i64>) -> Result<(), ShellError> {
        self.say_what_is_wanted();
        for (source, flags) in self.sources.wait(limit)? {
            match source {
                Source::Control => self.hear_init()?,
                Source::Steward => self.hear_steward(),
                Source::Listener(unit) => self.admit(unit),
                Source::Peer(peer) => self.hear_peer(peer, flags),
                Source::Kept(reference) => self.happen(Input::HungUp { reference }),
            }
        }
        Ok(())
    }

    /// Asks the registry anew in every turn who may be read: no transition can be forgotten.
    fn say_what_is_wanted(&mut self) {
        let when = |wanted, flag| if wanted { flag } else { EventFlags::empty() };
        for (id, peer) in &self.peers {
            let flags = when(self.registry.may_ask(*id), EventFlags::IN)
                | when(peer.has_waiting(), EventFlags::OUT);
            self.sources.want(&peer.token, peer, flags);
        }
        for (unit, (listener, token)) in &self.listeners {
            let flags = when(self.registry.may_connect(*unit), EventFlags::IN);
            self.sources.want(token, listener, flags);
        }
        if let Some(steward) = &self.steward {
            let flags = EventFlags::IN | when(steward.has_waiting(), EventFlags::OUT);
            self.sources.want(&steward.token, steward, flags);
        }
    }

    fn hear_init(&mut self) -> Result<(), ShellError> {
        while let Some((event, descriptors)) = self.control.next()? {
            self.told(event, descriptors);
        }
        Ok(())
    }

    /// An event that lacks its descriptor, or is not for a broker, changes nothing.
    fn told(&mut self, event: Event, descriptors: Descriptors) {
        let descriptor = descriptors.into_iter().next();
        match (event, descriptor) {
            (Event::Reply { id, result }, _) => {
                let reference = self.control.answered(id);
                if let (Some(reference), Err(_)) = (reference, result) {
                    self.happen(Input::NotStored { reference });
                }
            }
            (
                Event::Link {
                    peer: Role::Steward,
                },
                Some(end),
            ) => self.link(end),
            (Event::Listener { unit }, Some(end)) => self.listen(unit, end),
            (
                Event::Stored {
                    reference,
                    caller,
                    service,
                    service_id,
                    grant,
                },
                Some(end),
            ) => {
                let record = Record {
                    caller,
                    service,
                    service_id,
                    grant,
                };
                self.take_back(reference, record, end);
            }
            (Event::Ended { unit }, _) => self.happen(Input::Ended(unit)),
            (
                Event::Link { .. }
                | Event::Listener { .. }
                | Event::Stored { .. }
                | Event::Report(_)
                | Event::Source { .. }
                | Event::SourceEnded { .. }
                | Event::Counted { .. }
                | Event::KernelLog,
                _,
            ) => {}
        }
    }

    fn link(&mut self, end: OwnedFd) {
        if let Some(old) = self.steward.take() {
            self.sources.remove(&old.token, &old);
        }
        if let Ok(token) = self.sources.add(&end, Source::Steward, EventFlags::IN) {
            self.steward = Some(Steward::new(Channel::from(end), token));
            self.happen(Input::Linked);
        }
    }

    fn listen(&mut self, unit: UnitRef, end: OwnedFd) {
        let listener = Listener::from(end);
        // Without this, a peer that hangs up before it is accepted would hold the loop.
        if listener.set_nonblocking().is_err() {
            return;
        }
        let source = Source::Listener(unit);
        if let Ok(token) = self.sources.add(&listener, source, EventFlags::IN) {
            if let Some((old, token)) = self.listeners.insert(unit, (listener, token)) {
                self.sources.remove(&token, &old);
            }
            self.happen(Input::Listener(unit));
        }
    }

    fn take_back(&mut self, reference: u64, record: Record, end: OwnedFd) {
        self.happen(Input::Stored { reference, record });
        if self.kept.add(&mut self.sources, reference, end).is_err() {
            // It can neither be cut nor watched: better that both sides know now.
            self.happen(Input::NotStored { reference });
        }
    }

    fn hear_steward(&mut self) {
        while let Some(steward) = &mut self.steward {
            steward.flush();
            match steward.next() {
                steward::Word::Decision(decision) => self.happen(Input::Decided(decision)),
                steward::Word::Silence => return,
                steward::Word::Gone => {
                    if let Some(old) = self.steward.take() {
                        self.sources.remove(&old.token, &old);
                    }
                }
            }
        }
    }

    fn admit(&mut self, unit: UnitRef) {
        for _ in 0..BURST {
            let Some((listener, _)) = self.listeners.get(&unit) else {
                return;
            };
            if !self.registry.may_connect(unit) {
                return;
            }
            let Ok(channel) = listener.accept() else {
                return;
            };
            // What a peer does not read is charged to the broker's own cgroup, so the kernel may
            // keep little of it. Refused is only a value that the kernel would round.
            let _ = set_socket_send_buffer_size(&channel, SEND_BUFFER);
            let peer = PeerId(self.next_peer);
            self.next_peer += 1;
            let source = Source::Peer(peer);
            if let Ok(token) = self.sources.add(&channel, source, EventFlags::empty()) {
                self.peers.insert(peer, Peer::new(channel, token));
                self.happen(Input::Connected { peer, unit });
            }
        }
    }

    fn hear_peer(&mut self, peer: PeerId, flags: EventFlags) {
        if flags.intersects(EventFlags::HUP | EventFlags::ERR) {
            self.lose(peer);
            return;
        }
        if flags.contains(EventFlags::OUT) {
            let mut inputs = VecDeque::new();
            self.flush(peer, &mut inputs);
            for input in inputs {
                self.happen(input);
            }
        }
        for _ in 0..BURST {
            // Asked each time: an answer that waits, or an offence, ends the reading.
            if !self.registry.may_ask(peer) {
                return;
            }
            let Some(connection) = self.peers.get(&peer) else {
                return;
            };
            match connection.next(&mut self.buffer) {
                peer::Word::Request(request) => self.happen(Input::Asked { peer, request }),
                peer::Word::Silence => return,
                peer::Word::Gone => self.lose(peer),
                peer::Word::Offence => self.happen(Input::Broke { peer }),
            }
        }
    }

    fn lose(&mut self, peer: PeerId) {
        self.disconnect(peer);
        self.happen(Input::Closed { peer });
    }
}

/// Nanoseconds since boot, suspended time included. An earlier broker began at an earlier
/// nanosecond and used fewer numbers than it lived nanoseconds, so no number comes twice.
fn first_id() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(now.tv_nsec).unwrap_or(0);
    seconds
        .saturating_mul(1_000_000_000)
        .saturating_add(nanoseconds)
}
