//! The serving loop: broker, callers, services
//!
//! One thread, one poll(2). A caller is answered in its turn; one that does not take its answer is
//! hung up on, so that no caller keeps the others waiting. The broker's death stops nothing here: callers
//! go on being served while the line is made anew.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use limen_channel::{Buffer, Channel};
use limen_proto::calls::{Answer, Call, CallError};
use limen_proto::limits::CALL_FRAME;
use limen_proto::registry::{BROKER_PATH, Caller};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use crate::broker::{Broker, Event, RETRY};
use crate::error::Error;
use crate::line::span;
use crate::offer::{Offer, OfferId};
use crate::service::Service;

/// Most callers at once; a further one is hung up on.
const CALLERS: usize = 64;

/// Serves offers.
pub struct Server<'s> {
    broker: Broker,
    services: BTreeMap<OfferId, Box<dyn Service + 's>>,
    sessions: Vec<Session>,
    buffer: Box<Buffer<CALL_FRAME>>,
}

/// One caller.
struct Session {
    socket: Channel<CALL_FRAME>,
    offer: OfferId,
    caller: Caller,
}

impl Drop for Session {
    fn drop(&mut self) {
        // The broker holds a duplicate of this end: only shutdown tells the caller.
        let _ = self.socket.shutdown();
    }
}

impl<'s> Server<'s> {
    /// A server that offers nothing yet, on the broker of this bundle.
    ///
    /// # Errors
    /// As [`Broker::connect`].
    pub fn connect() -> Result<Self, Error> {
        Self::connect_to(Path::new(BROKER_PATH))
    }

    /// A server on a broker at another path.
    ///
    /// # Errors
    /// As [`Broker::connect`].
    pub fn connect_to(path: &Path) -> Result<Self, Error> {
        Ok(Self {
            broker: Broker::connect_to(path)?,
            services: BTreeMap::new(),
            sessions: Vec::new(),
            buffer: Box::new(Buffer::new()),
        })
    }

    /// Registers an offer; `service` answers its calls.
    ///
    /// # Errors
    /// As [`Broker::register`].
    pub fn offer(&mut self, offer: Offer, service: impl Service + 's) -> Result<OfferId, Error> {
        let id = self.broker.register(offer)?;
        self.services.insert(id, Box::new(service));
        Ok(id)
    }

    /// The broker, for whatever else the program asks of it.
    pub const fn broker(&mut self) -> &mut Broker {
        &mut self.broker
    }

    /// How many callers there are.
    pub const fn callers(&self) -> usize {
        self.sessions.len()
    }

    /// Serves for ever.
    ///
    /// # Errors
    /// As [`Server::turn`].
    pub fn run(mut self) -> Result<Infallible, Error> {
        loop {
            self.turn(None)?;
        }
    }

    /// Serves what comes first: one call of each caller, one event of the broker. Returns after
    /// `limit` at the latest.
    ///
    /// # Errors
    /// The kernel refused to wait, or the broker does not speak the protocol.
    pub fn turn(&mut self, limit: Option<Duration>) -> Result<(), Error> {
        let lost = !self.broker.revive();
        let limit = if lost {
            limit.unwrap_or(RETRY).min(RETRY)
        } else {
            limit.unwrap_or(Duration::MAX)
        };
        let (told, ready) = self.wait(Instant::now().checked_add(limit))?;
        if told {
            self.broker.pump(Some(Instant::now()))?;
        }
        while let Some(event) = self.broker.take_event() {
            // A server watches nothing by itself: other events are for programs that do.
            if let Event::Incoming(incoming) = event {
                self.admit(incoming.offer, incoming.caller, incoming.socket);
            }
        }
        // From the last, so that removing one does not move those that are still to come.
        for place in ready.into_iter().rev() {
            if !self.serve(place) {
                self.sessions.swap_remove(place);
            }
        }
        Ok(())
    }

    /// Whether the broker has something to say, and which sessions have.
    fn wait(&self, until: Option<Instant>) -> Result<(bool, Vec<usize>), Errno> {
        let broker = self.broker.socket();
        let mut polled: Vec<PollFd<'_>> = broker
            .iter()
            .map(|line| PollFd::new(line, PollFlags::IN))
            .collect();
        let ahead = polled.len();
        let sessions = self.sessions.iter();
        polled.extend(sessions.map(|one| PollFd::new(&one.socket, PollFlags::IN)));
        match poll(&mut polled, span(until).as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok((false, Vec::new())),
            Err(errno) => return Err(errno),
        }
        let is_ready = |fd: &PollFd<'_>| !fd.revents().is_empty();
        let (line, sessions) = polled.split_at(ahead);
        let ready = sessions.iter().enumerate().filter(|(_, fd)| is_ready(fd));
        Ok((
            line.iter().any(is_ready),
            ready.map(|(place, _)| place).collect(),
        ))
    }

    fn admit(&mut self, offer: OfferId, caller: Caller, socket: OwnedFd) {
        let session = Session {
            socket: Channel::from(socket),
            offer,
            caller,
        };
        if self.sessions.len() < CALLERS {
            self.sessions.push(session);
        }
    }

    /// One call. False when the session is over: hung up, an offence, an answer not taken.
    fn serve(&mut self, place: usize) -> bool {
        let Some(session) = self.sessions.get(place) else {
            return true;
        };
        let Some(service) = self.services.get_mut(&session.offer) else {
            return false;
        };
        let Ok(Some((call, _))) = session.socket.try_receive::<Call<'_>>(&mut self.buffer) else {
            return false;
        };
        let body = service.call(&session.caller, call.method, call.body);
        let answer = Answer {
            id: call.id,
            result: body.as_deref().map_err(|error| *error),
        };
        match session.socket.try_send(&answer, &[]) {
            Ok(()) => true,
            Err(limen_channel::ChannelError::Frame(_)) => {
                let result = Err(CallError::TooLarge);
                let answer = Answer { result, ..answer };
                session.socket.try_send(&answer, &[]).is_ok()
            }
            Err(_) => false,
        }
    }
}

impl AsFd for Session {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
