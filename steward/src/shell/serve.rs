//! The loop: wait, read, let the core decide, carry out
//!
//! `read` turns what arrives into inputs, `effects` carries out what the core decided; here is when.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::os::fd::{AsFd, OwnedFd};

use limen_channel::Channel;
use limen_proto::control::{Request, Verb};
use limen_proto::grant::Decision;
use limen_proto::limits::{CONTROL_FRAME, LINK_FRAME};
use limen_proto::logs;
use limen_proto::manage::Push;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};

use super::error::ShellError;
use super::facts;
use super::gauge::Places;
use super::hand::Hand;
use super::link::Link;
use super::log::line;
use super::world::World;
use crate::core::Steward;
use crate::core::turn::{HandId, Input, Now, Peer};
use crate::state;

/// Quiet after a commit before the previous generation is renewed, milliseconds: long enough for
/// the commits of one operation to fall into one generation, short enough that what an operator saw
/// done is in two files.
const QUIET_MS: u64 = 500;
/// From the start until the previous generation is looked at, when nothing is committed before,
/// milliseconds: nothing has changed that it could lack, and a box that comes up has other things
/// to do with its disk.
const FIRST_MS: u64 = 5_000;

/// How the steward is set up.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Where it finds the box.
    pub places: Places,
}

/// The steward with its sockets.
pub struct Shell {
    pub(super) core: Steward,
    pub(super) world: World,
    pub(super) control: Link<Request, CONTROL_FRAME>,
    pub(super) management: Option<Link<Push, LINK_FRAME>>,
    pub(super) broker: Option<Link<Decision, CONTROL_FRAME>>,
    pub(super) logger: Option<Link<logs::Read, LINK_FRAME>>,
    pub(super) kernel_log: Option<OwnedFd>,
    pub(super) hands: BTreeMap<HandId, Hand>,
    pub(super) inbox: VecDeque<Input>,
    watchdog_ms: u64,
    alive_due_ms: u64,
    keep_due_ms: Option<u64>,
    /// init was told that the steward serves.
    serving: bool,
}

/// A socket that something arrived on.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    Control,
    Peer(Peer),
    Hand(HandId),
    KernelLog,
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
        if opened.desired.identity.is_none() {
            facts.provision = facts::provision(&places.provision);
        }
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
            kernel_log: None,
            hands: BTreeMap::new(),
            inbox: VecDeque::new(),
            watchdog_ms: u64::from(watchdog_ms),
            alive_due_ms: 0,
            keep_due_ms: Some(now().monotonic_ms + FIRST_MS),
            serving: false,
        })
    }

    /// Serves until init is gone.
    ///
    /// # Errors
    /// It is.
    pub fn run(mut self) -> Result<Infallible, ShellError> {
        self.take(Input::Start);
        loop {
            if !self.serving && self.core.serves() {
                self.serving = true;
                self.request(Verb::Ready);
            }
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
    pub(super) fn take(&mut self, input: Input) {
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
        if let Some(log) = &self.kernel_log {
            sources.push(Source::KernelLog);
            polled.push(interest(log, false));
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
