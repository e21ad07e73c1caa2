//! Serving: the door, the connections behind it, the paths
//!
//! A [`Server`] is what all connections share. It serves once trust has arrived and goes on with the
//! trust it has while the steward is away: then every request is answered `Unavailable`.

mod answer;
mod connection;
mod door;
mod note;
mod origin;
mod pace;
mod patience;
mod route;
mod upload;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

use crate::jolokia::Agent;
use crate::steward::Steward;
use crate::tls::Trusted;
use door::{Admission, Door, GuestId, Stage};
pub use door::{GUESTS, GUESTS_OF_ADDRESS};
pub use note::Notes;
use pace::Pace;

/// What all connections share.
pub struct Server {
    agent: Agent,
    steward: Steward,
    /// Events for the steward.
    pub notes: Rc<Notes>,
    /// The epoch of trust in force.
    pub trust: watch::Sender<Option<Rc<Trusted>>>,
    pace: Pace,
    door: RefCell<Door>,
    /// Dropping one ends that connection.
    guests: RefCell<HashMap<GuestId, oneshot::Sender<()>>>,
}

impl Server {
    /// A server that asks this steward and trusts nobody yet.
    pub fn new(steward: Steward) -> Self {
        let notes = Rc::new(Notes::new(steward.clone()));
        Self {
            agent: Agent::new(steward.clone(), notes.clone()),
            notes,
            steward,
            trust: watch::Sender::new(None),
            pace: Pace::new(),
            door: RefCell::default(),
            guests: RefCell::default(),
        }
    }

    /// Accepts connections for as long as it is polled. Clients that come before trust has arrived
    /// wait in the listener's backlog.
    pub async fn accept(self: Rc<Self>, listener: TcpListener) {
        let mut trust = self.trust.subscribe();
        if trust.wait_for(Option::is_some).await.is_err() {
            return;
        }
        loop {
            match listener.accept().await {
                Ok((stream, address)) => self.welcome(stream, address.ip()),
                Err(error) => {
                    // Descriptors ran out: only time, or a guest that leaves, helps.
                    eprintln!("accepting a connection: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    fn welcome(self: &Rc<Self>, stream: tokio::net::TcpStream, address: std::net::IpAddr) {
        let guest = match self.door.borrow_mut().knock(address) {
            Admission::In(guest) => guest,
            Admission::InFor(guest, leaves) => {
                self.guests.borrow_mut().remove(&leaves);
                guest
            }
            Admission::Full => {
                self.notes
                    .refused(address, "too many connections are in use");
                return;
            }
        };
        let (stay, leave) = oneshot::channel();
        self.guests.borrow_mut().insert(guest, stay);
        let server = self.clone();
        tokio::task::spawn_local(async move {
            tokio::select! {
                () = connection::serve(server.clone(), guest, address, stream) => {}
                _ = leave => {}
            }
            server.door.borrow_mut().leave(guest);
            server.guests.borrow_mut().remove(&guest);
        });
    }

    fn stage(&self, guest: GuestId, stage: Stage) {
        self.door.borrow_mut().set(guest, stage);
    }
}
