//! A box of plain threads around the real endpoint
//!
//! The part of init (listener, link), a steward that keeps its world in memory and speaks the real
//! protocol, and certificates made for the occasion. Everything between the client's socket and the
//! steward's is the program itself.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses a part of it"
)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on says so"
)]

pub mod pki;
pub mod steward;
pub mod world;

use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::sync::Arc;

use limen_channel::Channel;
use limen_proto::control::Event;
use limen_proto::id::{Generation, UnitId, UnitRef};
use limen_proto::limits::CONTROL_FRAME;
use limen_proto::table::Role;

use pki::Pki;
use steward::FakeSteward;

/// A running endpoint and all that surrounds it.
pub struct Stand {
    pub address: SocketAddr,
    pub pki: Pki,
    pub steward: Arc<FakeSteward>,
    control: Channel<CONTROL_FRAME>,
}

impl Stand {
    /// The endpoint in a thread of this process.
    pub fn new() -> Self {
        let (near, far) = Channel::pair().unwrap();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let tasks = tokio::task::LocalSet::new();
            runtime
                .block_on(tasks.run_until(limen_mgmt::control::run(far)))
                .unwrap();
        });
        Self::around(near)
    }

    /// Everything but the endpoint, which holds the other end of this control channel.
    pub fn around(control: Channel<CONTROL_FRAME>) -> Self {
        let pki = Pki::new();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let steward = Arc::new(FakeSteward::new(pki.trust()));
        let unit = UnitRef {
            unit: UnitId::Core(2),
            generation: Generation(1),
        };
        control
            .send(&Event::Listener { unit }, &[listener.as_fd()])
            .unwrap();
        let stand = Self {
            address,
            pki,
            steward,
            control,
        };
        stand.link();
        stand
    }

    /// Connects the endpoint with a (new) steward process that has the same state.
    pub fn link(&self) {
        let (near, far) = Channel::pair().unwrap();
        let event = Event::Link {
            peer: Role::Steward,
        };
        self.control.send(&event, &[far.as_fd()]).unwrap();
        self.steward.serve(near);
    }

    /// As a client reaches it.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }
}
