//! The broker as a bundle sees it
//!
//! Remembers what the program offers and watches, and repeats it after the broker restarted: the
//! requests go out on the new line at once, their replies are taken when they come. A request that
//! is under way when the broker dies is made again. A line on which a reply failed to come is
//! given up, so that a late reply is never taken for another.

use std::collections::{BTreeMap, VecDeque};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use limen_proto::name::Interface;
use limen_proto::registry::{
    Answer, BROKER_PATH, Caller, Event as Told, RegistryError, Service, Verb,
};

use crate::error::Error;
use crate::line::Line;
use crate::offer::{Offer, OfferId};
use crate::query::Query;
use crate::reference::Reference;

/// Between two attempts to reach a broker that is not there.
pub(crate) const RETRY: Duration = Duration::from_millis(50);

/// Something that the broker told without being asked.
#[derive(Debug)]
pub enum Event {
    /// Somebody obtained a reference to an offered service.
    Incoming(Incoming),
    /// A watched service that may be used appeared.
    Appeared(Service),
    /// A watched service is gone, or may no longer be used, or the broker restarted.
    Disappeared(u64),
}

/// A new caller.
#[derive(Debug)]
pub struct Incoming {
    /// Of which offer.
    pub offer: OfferId,
    /// Who calls. Said by the broker, so it is true.
    pub caller: Caller,
    /// The service's end of the reference.
    pub socket: OwnedFd,
}

struct Offered {
    offer: Offer,
    /// Its number at the broker that lives now.
    service: Option<u64>,
}

/// The connection to the broker.
pub struct Broker {
    path: PathBuf,
    patience: Duration,
    line: Option<Line>,
    offers: BTreeMap<OfferId, Offered>,
    next_offer: u64,
    watches: Vec<Interface>,
    told: Vec<u64>,
    /// Offers that were repeated and wait for their reply.
    repeated: BTreeMap<u32, OfferId>,
    events: VecDeque<Event>,
}

impl Broker {
    /// Connects to the broker of this bundle.
    ///
    /// # Errors
    /// There is no broker socket: the program does not run in a bundle.
    pub fn connect() -> Result<Self, Error> {
        Self::connect_to(Path::new(BROKER_PATH))
    }

    /// Connects to a broker at another path.
    ///
    /// # Errors
    /// As [`Broker::connect`].
    pub fn connect_to(path: &Path) -> Result<Self, Error> {
        let mut broker = Self {
            path: path.to_owned(),
            patience: Duration::from_secs(30),
            line: None,
            offers: BTreeMap::new(),
            next_offer: 1,
            watches: Vec::new(),
            told: Vec::new(),
            repeated: BTreeMap::new(),
            events: VecDeque::new(),
        };
        let until = Instant::now() + broker.patience;
        broker.connected(until)?;
        Ok(broker)
    }

    /// How long a request waits for the broker, a restart included; 30 s unless told.
    pub const fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Offers a service.
    ///
    /// # Errors
    /// The broker refused, or cannot be reached.
    pub fn register(&mut self, offer: Offer) -> Result<OfferId, Error> {
        match self.request(&offer.verb())?.0 {
            Answer::Registered(service) => {
                let id = OfferId(self.next_offer);
                self.next_offer += 1;
                let service = Some(service);
                self.offers.insert(id, Offered { offer, service });
                Ok(id)
            }
            _ => Err(Error::Unreadable),
        }
    }

    /// Withdraws an offer; every reference to it is cut.
    ///
    /// # Errors
    /// The broker cannot be reached.
    pub fn unregister(&mut self, id: OfferId) -> Result<(), Error> {
        let service = self.offers.remove(&id).and_then(|offered| offered.service);
        let Some(service) = service else {
            return Ok(());
        };
        match self.request(&Verb::Unregister { service }) {
            // Not found: the broker restarted in between and was not told of it again.
            Ok(_) | Err(Error::Refused(RegistryError::NotFound)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Numbers of the services that fit and may be used, best first.
    ///
    /// # Errors
    /// The filter cannot be read, or the broker cannot be reached. Nothing found is no error.
    pub fn find(&mut self, query: &Query) -> Result<Vec<u64>, Error> {
        match self.request(&query.verb()?)?.0 {
            Answer::Found(found) => Ok(found.to_vec()),
            _ => Err(Error::Unreadable),
        }
    }

    /// Obtains a reference to a service.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`] when it is not there, or not for this bundle.
    pub fn get(&mut self, service: u64) -> Result<Reference, Error> {
        match self.request(&Verb::Get { service })? {
            (Answer::Reference { service, .. }, Some(socket)) => {
                Ok(Reference::new(socket, service))
            }
            _ => Err(Error::Unreadable),
        }
    }

    /// Obtains a reference to the best service that fits.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`] when there is none, or none for this bundle.
    pub fn obtain(&mut self, query: &Query) -> Result<Reference, Error> {
        let found = self.find(query)?;
        let best = found.first().ok_or(RegistryError::NotFound)?;
        self.get(*best)
    }

    /// Asks for [`Event::Appeared`] and [`Event::Disappeared`] of an interface, beginning with
    /// what is there.
    ///
    /// # Errors
    /// The broker refused, or cannot be reached.
    pub fn watch(&mut self, interface: &Interface) -> Result<(), Error> {
        self.request(&Verb::Watch {
            interface: interface.clone(),
        })?;
        if !self.watches.contains(interface) {
            self.watches.push(interface.clone());
        }
        Ok(())
    }

    /// The next event; none when `limit` has passed. Reconnects meanwhile.
    ///
    /// # Errors
    /// The broker does not speak the protocol.
    pub fn next_event(&mut self, limit: Duration) -> Result<Option<Event>, Error> {
        let until = Instant::now() + limit;
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
            if Instant::now() >= until {
                return Ok(None);
            }
            if self.revive() {
                self.pump(Some(until))?;
            } else {
                thread::sleep(RETRY.min(until.saturating_duration_since(Instant::now())));
            }
        }
    }

    /// What has been told so far, without waiting.
    pub(crate) fn take_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Reconnects if that is needed and possible now. Returns whether there is a line.
    pub(crate) fn revive(&mut self) -> bool {
        self.line.is_some() || self.open().is_ok()
    }

    /// Takes at most one event off the line. A lost line is no error.
    pub(crate) fn pump(&mut self, until: Option<Instant>) -> Result<(), Error> {
        let Some(line) = &mut self.line else {
            return Ok(());
        };
        match line.next(until) {
            Ok(Some((told, rider))) => self.take(told, rider).map(drop),
            Ok(None) => Ok(()),
            Err(_) => {
                self.lose();
                Ok(())
            }
        }
    }

    /// What to wait for; none while there is no line.
    pub(crate) fn socket(&self) -> Option<BorrowedFd<'_>> {
        self.line.as_ref().map(AsFd::as_fd)
    }

    fn request(&mut self, verb: &Verb) -> Result<(Answer, Option<OwnedFd>), Error> {
        let until = Instant::now() + self.patience;
        loop {
            let line = self.connected(until)?;
            if let Ok(id) = line.ask(verb.clone()) {
                match self.reply(id, until) {
                    Err(Error::HungUp) => {}
                    outcome => return outcome,
                }
            }
            self.lose();
        }
    }

    fn reply(&mut self, id: u32, until: Instant) -> Result<(Answer, Option<OwnedFd>), Error> {
        loop {
            let line = self.line.as_mut().ok_or(Error::HungUp)?;
            let Some((told, rider)) = line.next(Some(until))? else {
                self.lose();
                return Err(Error::TimedOut);
            };
            if let Some((answered, result, rider)) = self.take(told, rider)?
                && answered == id
            {
                return Ok((result?, rider));
            }
        }
    }

    /// Files an event; a reply that is not to a repeated offer is returned.
    #[allow(
        clippy::type_complexity,
        reason = "a reply is its number, result and rider"
    )]
    fn take(
        &mut self,
        told: Told,
        rider: Option<OwnedFd>,
    ) -> Result<Option<(u32, Result<Answer, RegistryError>, Option<OwnedFd>)>, Error> {
        match told {
            Told::Reply { id: 0, result } => {
                self.lose();
                return Err(result.map_or_else(Error::Refused, |_| Error::Unreadable));
            }
            Told::Reply { id, result } => {
                let Some(offer) = self.repeated.remove(&id) else {
                    return Ok(Some((id, result, rider)));
                };
                if let (Some(offered), Ok(Answer::Registered(service))) =
                    (self.offers.get_mut(&offer), result)
                {
                    offered.service = Some(service);
                }
            }
            Told::Incoming {
                service, caller, ..
            } => {
                let mut offers = self.offers.iter();
                let offer = offers.find(|(_, offered)| offered.service == Some(service));
                if let (Some((offer, _)), Some(socket)) = (offer, rider) {
                    let offer = *offer;
                    self.events.push_back(Event::Incoming(Incoming {
                        offer,
                        caller,
                        socket,
                    }));
                }
            }
            Told::Appeared(service) => {
                self.told.push(service.id);
                self.events.push_back(Event::Appeared(service));
            }
            Told::Disappeared { service } => {
                self.told.retain(|id| *id != service);
                self.events.push_back(Event::Disappeared(service));
            }
        }
        Ok(None)
    }

    fn connected(&mut self, until: Instant) -> Result<&mut Line, Error> {
        while self.line.is_none() {
            match self.open() {
                Ok(()) => break,
                Err(error) if Instant::now() + RETRY >= until => return Err(error),
                // No socket file and no right to it will not change by waiting.
                Err(
                    error
                    @ Error::Unreachable(rustix::io::Errno::NOENT | rustix::io::Errno::ACCESS),
                ) => {
                    return Err(error);
                }
                Err(_) => thread::sleep(RETRY),
            }
        }
        self.line.as_mut().ok_or(Error::HungUp)
    }

    /// A new line, on which everything is offered and watched again.
    fn open(&mut self) -> Result<(), Error> {
        let mut line = Line::open(&self.path).map_err(Error::Unreachable)?;
        for (id, offered) in &self.offers {
            self.repeated.insert(line.ask(offered.offer.verb())?, *id);
        }
        for interface in &self.watches {
            let interface = interface.clone();
            line.ask(Verb::Watch { interface })?;
        }
        self.line = Some(line);
        Ok(())
    }

    /// Numbers of a broker that is gone mean nothing to the next.
    fn lose(&mut self) {
        self.line = None;
        self.repeated.clear();
        for offered in self.offers.values_mut() {
            offered.service = None;
        }
        let gone = std::mem::take(&mut self.told);
        self.events.extend(gone.into_iter().map(Event::Disappeared));
    }
}
