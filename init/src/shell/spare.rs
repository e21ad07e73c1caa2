//! Spares: lives that are begun ahead of their time
//!
//! Built as any other, beside the present life and under the other of the bundle's two cgroup names;
//! limen-jail's process waits for one frame before it executes the program. A virtual gateway's reaper
//! waits for nothing: what is closed is its link.

use std::os::fd::AsFd;

use limen_proto::id::{Slot, UnitId, UnitRef};
use limen_proto::jail::{Go, Step, Task};
use rustix::event::epoll::EventFlags;
use rustix::io::Errno;

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
                let told = books.and_then(|books| books.jail.as_ref()?.try_send(&Go, &[]).ok());
                told.is_none().then_some((Step::Exec, Errno::PIPE))
            }
        };
        if let Some((step, errno)) = failed {
            let step = Some((step, errno.raw_os_error()));
            self.core.handle(Event::Failed { life, step }, self.now);
        }
    }

    /// Lets limen-jail open the link of a virtual gateway that was parked.
    fn open(&mut self, life: UnitRef, slot: Slot) -> Result<(), Errno> {
        let task = Task::Open { slot };
        let answer = self.jail.build(self.workroom.as_fd(), &task, &[])?;
        watch(&self.epoll, &answer, Token::Jail(life), EventFlags::IN)?;
        let books = self.lives.get(life).ok_or(Errno::NOENT)?;
        books.jail = Some(answer);
        books.opening = true;
        Ok(())
    }

    /// Ends a spare. Its process is reaped like an orphan.
    pub(super) fn end_spare(&mut self, life: UnitRef) {
        if let Some(mut books) = self.lives.take_ahead(life) {
            if let Some(group) = books.group.take() {
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
