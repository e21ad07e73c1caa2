//! Spares: lives that are begun ahead of their time
//!
//! Built as any other, beside the present life and under the other of the bundle's two cgroup names.
//! It executes its program and stops itself behind that, before the first instruction; then its cgroup is frozen, because a
//! stop can be undone by whoever has the same uid, and a frozen cgroup by root of the box alone. A virtual gateway's
//! reaper runs: what is closed is its link.

use std::os::fd::AsFd;

use limen_proto::id::{Slot, UnitId, UnitRef};
use limen_proto::jail::{Step, Task};
use rustix::event::epoll::EventFlags;
use rustix::io::Errno;
use rustix::process::{Signal, pidfd_send_signal};

use super::Shell;
use super::build::watch;
use super::cgroup::Group;
use super::errand::Purpose;
use super::limbo::Remains;
use super::token::Token;
use crate::core::supervisor::Event;

impl Shell {
    pub(super) fn build_spare(&mut self, life: UnitRef) {
        if let Err((step, errno)) = self.try_build(life, true) {
            let step = Some((step, errno.raw_os_error()));
            self.core.handle(Event::Failed { life, step }, self.now);
        }
    }

    /// Lets a spare go on, as the present life of its unit.
    pub(super) fn take_spare(&mut self, life: UnitRef) {
        let books = self.lives.promote(life);
        let failed = match life.unit {
            UnitId::Vgw(slot) => self
                .open(life, slot)
                .err()
                .map(|errno| (Step::Network, errno)),
            UnitId::Core(_) | UnitId::Hand(..) | UnitId::Bundle(..) => {
                let group = books.and_then(|books| books.group.as_ref());
                let thawed = group.map_or(Err(Errno::NOENT), |group| group.freeze(false));
                if thawed.is_ok() {
                    self.plan_inspection(life);
                    self.core.handle(Event::Executed(life), self.now);
                }
                thawed.err().map(|errno| (Step::Exec, errno))
            }
        };
        if let Some((step, errno)) = failed {
            let step = Some((step, errno.raw_os_error()));
            self.core.handle(Event::Failed { life, step }, self.now);
        }
    }

    /// A bundle's spare has executed its program, and stops itself: from here on its cgroup holds it.
    pub(super) fn hold_spare(&mut self, life: UnitRef) {
        let group = self.lives.get(life).and_then(|books| books.group.as_ref());
        let frozen = group.map_or(Err(Errno::NOENT), |group| {
            watch(
                &self.epoll,
                group.events(),
                Token::Group(life),
                EventFlags::PRI,
            )?;
            group.freeze(true)
        });
        match frozen {
            Ok(()) => self.look_whether_held(life),
            Err(errno) => {
                let step = Some((Step::Cgroup, errno.raw_os_error()));
                self.core.handle(Event::Failed { life, step }, self.now);
                self.carry_out();
            }
        }
    }

    /// Reports `Executed` when the cgroup of a spare that has executed its program holds it.
    pub(super) fn look_whether_held(&mut self, life: UnitRef) {
        let Some(books) = self.lives.get(life) else {
            return;
        };
        let (Some(group), Some(main), None) = (&books.group, &books.main, &books.jail) else {
            return;
        };
        if books.halt.is_none() || !group.is_held() {
            return;
        }
        // What is frozen has left execve(2), and its own stop came before that.
        let _ = pidfd_send_signal(&main.process, Signal::CONT);
        let _ = rustix::event::epoll::delete(&self.epoll, group.events());
        books.halt = None;
        self.core.handle(Event::Executed(life), self.now);
        self.carry_out();
    }

    /// Lets limen-jail open the link of a virtual gateway that was parked.
    fn open(&mut self, life: UnitRef, slot: Slot) -> Result<(), Errno> {
        let task = Task::Open { slot };
        let answer = self.jail.build(self.workroom.as_fd(), &task, &[])?;
        watch(&self.epoll, &answer, Token::Jail(life), EventFlags::IN)?;
        let books = self.lives.get(life).ok_or(Errno::NOENT)?;
        books.jail = Some(answer);
        books.jail_number = self.jail.number();
        books.opening = true;
        Ok(())
    }

    /// Ends a spare. Its process is reaped like an orphan.
    pub(super) fn end_spare(&mut self, life: UnitRef) {
        if let Some(mut books) = self.lives.take_ahead(life) {
            if let Some(group) = books.group.take() {
                let _ = rustix::event::epoll::delete(&self.epoll, group.events());
                // A leaf that is gone has nothing to kill.
                let _ = group.kill();
                if let UnitId::Bundle(..) = life.unit {
                    self.leave_behind(Remains::new(life, group, self.now));
                }
            }
            books.release();
        }
        if let UnitId::Vgw(slot) = life.unit {
            self.send_out(Purpose::Remove(life), &Task::DestroyVgw { slot }, None);
        }
    }

    /// Whether a new life has to take the other of its unit's two cgroup names.
    pub(super) fn must_take_other_name(&mut self, unit: UnitId) -> bool {
        let UnitId::Bundle(..) = unit else {
            return false;
        };
        let of_lives = self.lives.iter_mut().filter_map(|one| one.group.as_ref());
        let taken = |group: &Group| group.is_of(unit, false);
        of_lives
            .chain(self.limbo.iter().map(|remains| &remains.group))
            .any(taken)
    }
}
