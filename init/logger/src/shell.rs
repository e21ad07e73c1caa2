//! Descriptors: control socket, link to the steward, pipes, console
//!
//! One epoll. Everything is read a bounded amount at a time, so no unit keeps the others waiting.
//! A steward that does not read its answers loses them and its link; it gets a new one with its
//! next life.

use core::convert::Infallible;
use core::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{SystemTime, UNIX_EPOCH};

use limen_channel::{Buffer, Channel, ChannelError, Descriptors, inherited};
use limen_proto::control::{CONTROL_DESCRIPTOR, Event, Request, Verb};
use limen_proto::id::UnitId;
use limen_proto::limits::LINK_FRAME;
use limen_proto::logs::Read;
use limen_proto::name::Name;
use limen_proto::table::Role;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};

use crate::book::Book;
use crate::line::Splitter;
use crate::source::{RATE, Source};

/// Token of the control socket; a token of another source is never used twice.
const CONTROL: u64 = 0;
/// Token of the link.
const LINK: u64 = 1;
/// Bytes read from one pipe at once.
const CHUNK: usize = 4096;

/// Why the logger ended.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Started by hand, or by an init of another version.
    #[error("descriptor 3 is not a control socket: {0}; limen-logger is started by limen-init")]
    Control(Errno),
    /// init hung up.
    #[error("init hung up")]
    Orphaned,
    /// The control socket failed.
    #[error("control socket: {0}")]
    Channel(#[from] ChannelError),
    /// The kernel refused.
    #[error("{0}: {1}")]
    Kernel(&'static str, Errno),
}

struct Logger {
    epoll: OwnedFd,
    control: Channel,
    link: Option<Channel<LINK_FRAME>>,
    sources: Vec<Source>,
    book: Book,
    next_token: u64,
    second: i64,
}

/// Serves until init hangs up.
///
/// # Errors
/// See [`Fault`]; there is no other way to end.
pub fn run() -> Result<Infallible, Fault> {
    let control = inherited(CONTROL_DESCRIPTOR).map_err(Fault::Control)?;
    serve(Channel::from(control))
}

/// The same on a given control socket.
///
/// # Errors
/// As [`run`].
pub fn serve(control: Channel) -> Result<Infallible, Fault> {
    let mut logger = Logger::new(control)?;
    logger.control.send(
        &Request {
            id: 0,
            verb: Verb::Ready,
        },
        &[],
    )?;
    loop {
        logger.turn()?;
    }
}

impl Logger {
    fn new(control: Channel) -> Result<Self, Fault> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)
            .map_err(|errno| Fault::Kernel("epoll_create", errno))?;
        epoll::add(
            &epoll,
            &control,
            EventData::new_u64(CONTROL),
            EventFlags::IN,
        )
        .map_err(|errno| Fault::Kernel("epoll_ctl", errno))?;
        Ok(Self {
            epoll,
            control,
            link: None,
            sources: Vec::new(),
            book: Book::default(),
            next_token: LINK + 1,
            second: 0,
        })
    }

    fn turn(&mut self) -> Result<(), Fault> {
        let mut space = [const { MaybeUninit::<epoll::Event>::uninit() }; 32];
        let starved = self.sources.iter().any(|source| source.budget == 0);
        let second = Timespec {
            tv_sec: 1,
            tv_nsec: 0,
        };
        let ready = match epoll::wait(&self.epoll, &mut space, starved.then_some(&second)) {
            Ok((ready, _)) => ready,
            Err(Errno::INTR) => return Ok(()),
            Err(errno) => return Err(Fault::Kernel("epoll_wait", errno)),
        };
        self.refill();
        for event in ready.iter() {
            match event.data.u64() {
                CONTROL => self.hear_control()?,
                LINK => self.hear_link(),
                token => {
                    self.hear_source(token);
                }
            }
        }
        Ok(())
    }

    /// A new second: every source may be read again.
    fn refill(&mut self) {
        let second = clock_gettime(ClockId::Monotonic).tv_sec;
        if second == self.second {
            return;
        }
        self.second = second;
        for source in &mut self.sources {
            if source.budget == 0 {
                let token = EventData::new_u64(source.token);
                let _ = epoll::modify(&self.epoll, &source.pipe, token, EventFlags::IN);
            }
            source.budget = RATE;
        }
    }

    fn hear_control(&mut self) -> Result<(), Fault> {
        let mut buffer = Buffer::new();
        let (event, descriptors) = match self.control.try_receive::<Event>(&mut buffer) {
            Ok(Some(message)) => message,
            Ok(None) => return Err(Fault::Orphaned),
            Err(ChannelError::WouldBlock) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        match event {
            Event::Source { unit, name } => self.take_source(unit, name, descriptors),
            Event::SourceEnded { unit } => self.end_source(unit),
            Event::Link {
                peer: Role::Steward,
            } => self.take_link(descriptors),
            // The answer to `Ready`, and what is meant for other roles.
            Event::Reply { .. }
            | Event::Report(_)
            | Event::Link { .. }
            | Event::Listener { .. }
            | Event::Stored { .. }
            | Event::Counted { .. }
            | Event::KernelLog
            | Event::Ended { .. } => {}
        }
        Ok(())
    }

    fn take_source(&mut self, unit: UnitId, name: Name, descriptors: Descriptors) {
        let Some(pipe) = descriptors.into_iter().next() else {
            return;
        };
        self.sources.retain(|source| source.unit != unit);
        let token = self.next_token;
        self.next_token += 1;
        // The write end is never closed while init lives, so a read must not wait for one.
        let _ = rustix::io::ioctl_fionbio(&pipe, true);
        if epoll::add(
            &self.epoll,
            &pipe,
            EventData::new_u64(token),
            EventFlags::IN,
        )
        .is_ok()
        {
            self.sources.push(Source {
                unit,
                name,
                pipe,
                splitter: Splitter::default(),
                budget: RATE,
                token,
            });
        }
    }

    fn take_link(&mut self, descriptors: Descriptors) {
        let Some(socket) = descriptors.into_iter().next() else {
            return;
        };
        // A new steward: dropping the old link takes it out of the epoll.
        self.link = None;
        let link = Channel::from(socket);
        if epoll::add(&self.epoll, &link, EventData::new_u64(LINK), EventFlags::IN).is_ok() {
            self.link = Some(link);
        }
    }

    fn hear_link(&mut self) {
        let Some(link) = &self.link else { return };
        let answered = match link.try_take::<Read>() {
            Ok(Some((read, _))) => link.try_send(&self.book.read(&read), &[]),
            Err(ChannelError::WouldBlock) => return,
            Ok(None) => Err(ChannelError::HungUp),
            Err(error) => Err(error),
        };
        if answered.is_err() {
            self.link = None;
        }
    }

    /// A unit is forgotten. Its last words may still be in the pipe; of a core unit they are worth a
    /// line on the console.
    fn end_source(&mut self, unit: UnitId) {
        let token = self.sources.iter().find(|one| one.unit == unit);
        if let Some(token) = token.map(|one| one.token) {
            // A pipe holds sixteen chunks unless somebody made it larger.
            let _ = (0..16).all(|_| self.hear_source(token));
        }
        self.sources.retain(|source| source.unit != unit);
        self.book.forget(unit);
    }

    /// Reads a piece of a pipe. False when there was nothing.
    fn hear_source(&mut self, token: u64) -> bool {
        let Some(source) = self.sources.iter_mut().find(|one| one.token == token) else {
            return false;
        };
        let mut bytes = [0u8; CHUNK];
        let length = match rustix::io::read(&source.pipe, &mut bytes) {
            Ok(length) if length > 0 => length,
            Err(Errno::AGAIN | Errno::INTR) => return false,
            // Every writer is gone: init has forgotten the unit, and says so on the control socket.
            Ok(_) | Err(_) => {
                self.sources.retain(|one| one.token != token);
                return false;
            }
        };
        source.budget = source.budget.saturating_sub(length);
        if source.budget == 0 {
            let data = EventData::new_u64(token);
            let _ = epoll::modify(&self.epoll, &source.pipe, data, EventFlags::empty());
        }
        let time_ms = wall_ms();
        let core = matches!(source.unit, UnitId::Core(_) | UnitId::Hand(..));
        let (unit, name, book) = (source.unit, &source.name, &mut self.book);
        source.splitter.feed(&bytes[..length], |text| {
            if core {
                copy_to_console(name, &text);
            }
            book.push(unit, time_ms, text);
        });
        true
    }
}

/// Copies a core unit's line. The console is non-blocking: what it does not take is not there.
fn copy_to_console(name: &Name, text: &str) {
    let line = format!("{name}: {text}\n");
    let _ = rustix::io::write(rustix::stdio::stderr().as_fd(), line.as_bytes());
}

fn wall_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(0))
}
