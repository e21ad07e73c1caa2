//! What init hands in: the listener and the link to the steward
//!
//! The program's main loop. Whatever arrives may arrive again: a new listener replaces the old one, a
//! new link is a new steward. Readiness is told at once, because both come only to a program that
//! runs; a client that comes earlier waits in the listener's backlog. When init hangs up there is
//! nobody left to serve for.

use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

use limen_channel::{Channel, ChannelError};
use limen_proto::control::{Event, Request, Verb};
use limen_proto::limits::{CONTROL_FRAME, LINK_FRAME};
use limen_proto::manage::{self, Answer, Caller};
use limen_proto::table::Role;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::link::Link;
use crate::serve::Server;
use crate::steward::Steward;
use crate::tls::Trusted;

/// Time between two signs of life.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// Pause before the steward is asked for trust again.
const RETRY: Duration = Duration::from_secs(3);

/// The link to init ended otherwise than by its end.
#[derive(Debug, thiserror::Error)]
pub enum ControlFault {
    /// A kernel object could not be made.
    #[error("{0}: {1}")]
    Kernel(&'static str, io::Error),
    /// init broke the protocol, or its socket failed.
    #[error("control channel: {0}")]
    Channel(#[from] ChannelError),
}

/// A task that ends with what it stands for.
struct Running(JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs until init hangs up. Call inside a `LocalSet`.
///
/// # Errors
/// See [`ControlFault`].
pub async fn run(channel: Channel<CONTROL_FRAME>) -> Result<(), ControlFault> {
    let kernel = |error| ControlFault::Kernel("control channel", error);
    let init = Link::new(channel).map_err(kernel)?;
    let steward = Steward::default();
    let server = Rc::new(Server::new(steward.clone()));
    let (changed, changes) = mpsc::unbounded_channel();
    let _trust = spawn(keep_trust(server.clone(), steward.clone(), changes));
    let mut listening = None;
    let mut linked = None;
    let mut heartbeat = tokio::time::interval(HEARTBEAT);
    let mut beat = 0;
    tell(&init, &mut beat, Verb::Ready).await?;
    loop {
        let received = tokio::select! {
            received = init.receive::<Event>() => received?,
            _ = heartbeat.tick() => {
                tell(&init, &mut beat, Verb::Watchdog).await?;
                continue;
            }
        };
        let Some((event, descriptors)) = received else {
            return Ok(());
        };
        let descriptor = descriptors.into_iter().next();
        match (event, descriptor) {
            (Event::Listener { .. }, Some(socket)) => {
                let listener = listener(socket);
                let listener = listener.map_err(|error| ControlFault::Kernel("listener", error))?;
                drop(listening.take());
                listening = Some(spawn(server.clone().accept(listener)));
            }
            (
                Event::Link {
                    peer: Role::Steward,
                },
                Some(socket),
            ) => {
                let link = Link::<LINK_FRAME>::new(Channel::from(socket));
                let link = link.map_err(|error| ControlFault::Kernel("link", error))?;
                let (steward, changed) = (steward.clone(), changed.clone());
                // The old link must not speak any more when the new one begins.
                drop(linked.take());
                linked = Some(spawn(async move { steward.serve(link, changed).await }));
            }
            // Everything else is for other roles, or came without what it announces.
            _ => {}
        }
    }
}

fn spawn(task: impl Future<Output = ()> + 'static) -> Running {
    Running(tokio::task::spawn_local(task))
}

async fn tell(init: &Link<CONTROL_FRAME>, last: &mut u32, verb: Verb) -> Result<(), ControlFault> {
    *last = last.wrapping_add(1);
    match init.send(&Request { id: *last, verb }).await {
        // The reader sees the hang-up as well, behind what init said before.
        Ok(()) | Err(ChannelError::HungUp) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn listener(socket: OwnedFd) -> io::Result<tokio::net::TcpListener> {
    let listener = std::net::TcpListener::from(socket);
    listener.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(listener)
}

/// Asks for trust whenever it changed, until the steward gives some that can be served.
async fn keep_trust(
    server: Rc<Server>,
    steward: Steward,
    mut changes: mpsc::UnboundedReceiver<()>,
) {
    while changes.recv().await.is_some() {
        // A log that nobody reads fills up, and a full one stops its writer: a reason is told once.
        let mut told = String::new();
        loop {
            match steward.call(&Caller::Management, manage::Verb::Trust).await {
                Ok(Answer::Trust(trust)) => adopt(&server, &trust),
                Ok(_) => eprintln!("the steward answered no trust"),
                Err(refusal) => {
                    if told != refusal.message {
                        eprintln!("asking for trust: {}", refusal.message);
                        told = refusal.message;
                    }
                    tokio::select! {
                        () = tokio::time::sleep(RETRY) => continue,
                        // A new link says so itself.
                        change = changes.recv() => if change.is_some() { continue },
                    }
                }
            }
            break;
        }
    }
}

fn adopt(server: &Server, trust: &manage::Trust) {
    match Trusted::new(trust) {
        Ok(trusted) => {
            for (provider, error) in &trusted.left_out {
                server.notes.tell(format!(
                    "the authority of {provider} {error}; it is left out"
                ));
            }
            eprintln!("serving epoch {} of trust", trust.epoch);
            server.trust.send_replace(Some(Rc::new(trusted)));
        }
        // What was good before stays in force: a box that cannot be reached cannot be repaired.
        Err(error) => server
            .notes
            .tell(format!("new trust cannot be served: {error}")),
    }
}
