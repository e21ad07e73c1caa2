//! Hearing: what limen-jail, processes and readiness sockets say
//!
//! The order matters in one place: limen-jail's word that a payload exists comes before anything
//! that the payload does, so its channel is read first whenever the payload is heard of.

use std::os::fd::AsFd;

use limen_channel::{Buffer, ChannelError, Descriptors};
use limen_proto::id::{UnitId, UnitRef};
use limen_proto::jail::Answer;
use limen_proto::state::Exit;
use limen_sandbox::reap::{reap, reap_any};
use rustix::event::epoll::EventFlags;
use rustix::net::RecvFlags;

use super::Shell;
use super::build::watch;
use super::cgroup::Group;
use super::life::Main;
use super::token::Token;
use crate::core::readiness::{self, NOTIFY_FRAME};
use crate::core::supervisor::Event;

/// SIGKILL.
const KILL: u8 = 9;
/// Datagrams of one bundle in one turn of the loop.
const NOTICES: usize = 8;
/// Children reaped in one turn of the loop: a storm of orphans takes many turns, and others get
/// theirs in between.
const REAPED: usize = 64;

impl Shell {
    /// limen-jail may have said something about a life.
    pub(super) fn hear_jail(&mut self, life: UnitRef) {
        loop {
            let Some(books) = self.lives.get(life) else {
                return;
            };
            let Some(channel) = &books.jail else {
                return;
            };
            let mut buffer = Buffer::new();
            let event = match channel.try_receive::<Answer>(&mut buffer) {
                Err(ChannelError::WouldBlock) => return,
                Ok(Some((Answer::Built { pid, posture }, descriptors))) => {
                    self.take_payload(life, pid, descriptors);
                    Event::Built { life, pid, posture }
                }
                Ok(Some((Answer::Failed { step, errno }, _))) => {
                    books.jail = None;
                    // Whatever it was, the next life owes nothing to an earlier one.
                    self.close_mounts(life.unit);
                    Event::Failed {
                        life,
                        step: Some((step, errno)),
                    }
                }
                // The hang-up behind `Built` is execve(2), or a death before it, which follows.
                Ok(None) if books.main.is_some() && !books.opening => {
                    books.jail = None;
                    if books.halt.is_some() {
                        return self.hold_spare(life);
                    }
                    self.plan_inspection(life);
                    Event::Executed(life)
                }
                Ok(Some((Answer::Done, _))) if books.opening => {
                    books.jail = None;
                    books.opening = false;
                    self.plan_inspection(life);
                    Event::Executed(life)
                }
                Ok(Some((Answer::Done | Answer::Counted(_) | Answer::Inspected(_), _)) | None)
                | Err(_) => {
                    books.jail = None;
                    match self.jail.is_there(books.jail_number) {
                        true => Event::Failed { life, step: None },
                        false => Event::Unbuilt(life),
                    }
                }
            };
            if let Event::Failed { step: None, .. } = event {
                self.look_whether_starved(life);
            }
            self.core.handle(event, self.now);
            self.carry_out();
        }
    }

    /// Whether the kernel killed in this life for want of memory.
    fn look_whether_starved(&mut self, life: UnitRef) {
        let group = self.lives.get(life).and_then(|books| books.group.as_ref());
        if group.is_some_and(Group::was_starved) {
            self.core.handle(Event::Starved(life), self.now);
        }
    }

    fn take_payload(&mut self, life: UnitRef, pid: u32, descriptors: Descriptors) {
        let is_ahead = self.lives.is_ahead(life);
        let Some(books) = self.lives.get(life) else {
            return;
        };
        let mut descriptors = descriptors.into_iter();
        if let Some(process) = descriptors.next() {
            let _ = watch(&self.epoll, &process, Token::Main(life), EventFlags::IN);
            books.main = Some(Main { process, pid });
        }
        match life.unit {
            UnitId::Vgw(_) => books.namespaces = descriptors.next().zip(descriptors.next()),
            UnitId::Bundle(..) => {
                if is_ahead {
                    books.halt = descriptors.next();
                }
                // Whichever life made them, the unit keeps them.
                if let Some(mounts) = descriptors.next()
                    && let Some(present) = self.lives.of(life.unit)
                {
                    present.mounts = Some(mounts);
                }
            }
            UnitId::Core(_) | UnitId::Hand(..) => {}
        }
    }

    /// The main process of a life may have ended.
    pub(super) fn reap_main(&mut self, life: UnitRef) {
        self.hear_jail(life);
        let main = self.lives.get(life).and_then(|books| books.main.as_ref());
        match main.map(|main| reap(main.process.as_fd())) {
            None | Some(Ok(None)) => {}
            Some(Ok(Some(exit))) => self.end_main(life, Some(exit)),
            // Reaped among the orphans, before limen-jail's word about it was there to be read.
            Some(Err(_)) => self.end_main(life, None),
        }
    }

    fn end_main(&mut self, life: UnitRef, exit: Option<Exit>) {
        if let Some(main) = self.lives.get(life).and_then(|books| books.main.take()) {
            // A limen-jail that joins this one's namespaces may hold a duplicate, and the loop
            // would go on to hear of it.
            let _ = rustix::event::epoll::delete(&self.epoll, &main.process);
        }
        if exit.is_none_or(|exit| exit == Exit::Signal(KILL)) {
            self.look_whether_starved(life);
        }
        self.core.handle(Event::Ended { life, exit }, self.now);
        self.carry_out();
        self.look_whether_empty(life);
    }

    /// Children have ended: those that are known by their number, and orphans.
    pub(super) fn reap_children(&mut self) {
        for _ in 0..REAPED {
            let Ok(Some((pid, exit))) = reap_any() else {
                self.more_children = false;
                return;
            };
            self.reaped(pid.as_raw_nonzero().get().unsigned_abs(), exit);
        }
        self.more_children = true;
    }

    fn reaped(&mut self, pid: u32, exit: Exit) {
        if let Some(life) = self.find_main(pid) {
            self.hear_jail(life);
            return self.end_main(life, Some(exit));
        }
        if self.jail.reaped(pid) {
            return;
        }
        if let Some(number) = self.errands.of_process(pid) {
            return self.end_errand(number);
        }
        // Perhaps a payload whose limen-jail was not heard yet.
        while let Some(life) = self.find_unheard() {
            self.hear_jail(life);
            if self.find_main(pid) == Some(life) {
                return self.end_main(life, Some(exit));
            }
            if self.find_unheard() == Some(life) {
                return;
            }
        }
    }

    fn find_main(&mut self, pid: u32) -> Option<UnitRef> {
        self.find(|books| books.main.as_ref().is_some_and(|main| main.pid == pid))
    }

    fn find_unheard(&mut self) -> Option<UnitRef> {
        self.find(|books| books.main.is_none() && books.jail.is_some())
    }

    fn find(&mut self, which: impl Fn(&super::life::Life) -> bool) -> Option<UnitRef> {
        let found = self.lives.iter_mut().find(|books| which(books))?;
        Some(found.life())
    }

    /// A bundle says something about itself. Datagrams of one turn are heard together: a bundle that
    /// floods its socket makes the core think twice a turn, not twice a datagram.
    pub(super) fn hear_notice(&mut self, life: UnitRef) {
        let (mut ready, mut alive) = (false, false);
        for _ in 0..NOTICES {
            let books = self.lives.get(life);
            let Some(socket) = books.and_then(|books| books.readiness.as_ref()) else {
                break;
            };
            let mut datagram = [0u8; NOTIFY_FRAME];
            let received = rustix::net::recv(socket, &mut datagram, RecvFlags::DONTWAIT);
            let Ok((_, length)) = received else { break };
            let length = length.min(datagram.len());
            let notice = readiness::read(datagram.get(..length).unwrap_or_default());
            ready |= notice.ready;
            alive |= notice.alive;
        }
        if ready {
            self.hear_jail(life);
            self.core.handle(Event::Ready(life), self.now);
        }
        if alive {
            self.core.handle(Event::Alive(life), self.now);
        }
        if ready || alive {
            self.carry_out();
        }
    }
}
