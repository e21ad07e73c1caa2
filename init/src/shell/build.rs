//! Beginning a life: fresh cgroup, fresh sockets, limen-jail with its task
//!
//! What fails here never became a process; the core hears the step and the number.

use std::os::fd::{AsFd, OwnedFd};

use heapless::Vec;
use limen_channel::Channel;
use limen_proto::id::{BundleIndex, Slot, UnitId, UnitRef};
use limen_proto::jail::{Step, Task};
use limen_proto::spec::BundleSpec;
use limen_proto::table::{CoreUnit, DeviceClass, Role};
use rustix::event::epoll::EventFlags;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::pipe::PipeFlags;

use super::Shell;
use super::cgroup::Group;
use super::jail::{Riders, errno};
use super::life::LogPipe;
use super::ready::Ready;
use super::sockets;
use super::token::Token;
use crate::core::supervisor::Event;
use crate::core::unit::Program;

/// Where a life's beginning failed.
type Failure = (Step, Errno);

impl Shell {
    /// Begins a life, or tells the core why not.
    pub(super) fn build(&mut self, life: UnitRef) {
        if let Err((step, errno)) = self.try_build(life, false) {
            self.core.handle(
                Event::Failed {
                    life,
                    step: Some((step, errno.raw_os_error())),
                },
                self.now,
            );
        }
    }

    /// Begins a life: the unit's present one, or its next, `ahead` of its time.
    pub(super) fn try_build(&mut self, life: UnitRef, ahead: bool) -> Result<(), Failure> {
        let task_failed = |errno| (Step::Task, errno);
        let (mut task, role) = self.task(life.unit).ok_or((Step::Task, Errno::NOENT))?;
        let mut ready = self.take_ready(life.unit);
        let made = ready.as_mut().and_then(Ready::made);
        let late = ready.as_mut().and_then(Ready::late);
        if let Task::Bundle { held, .. } | Task::Vgw { held, .. } = &mut task {
            *held = ahead;
        }
        if let Task::Bundle { ready, .. } = &mut task {
            *ready = made.is_some();
        }
        let (group, sockets) = match ready {
            Some(ready) => (ready.group, Some(ready.sockets)),
            None => (
                self.group(life.unit)
                    .map_err(|errno| (Step::Cgroup, errno))?,
                None,
            ),
        };
        let number = self.next_number();

        let books = match ahead {
            true => self.lives.begin_ahead(life),
            false => self.lives.begin(life),
        };
        let books = books.ok_or((Step::Task, Errno::NOMEM))?;
        books.group = Some(group);
        let present = self.lives.of_new(life.unit);
        let present = present.ok_or((Step::Task, Errno::NOMEM))?;
        if present.log.is_none() {
            present.log = Some(make_log(role).map_err(task_failed)?);
        }
        let books = self.lives.get(life).ok_or((Step::Task, Errno::NOENT))?;
        let mut theirs = None;
        if role.is_some() {
            let (ours, end) = sockets::make_control().map_err(task_failed)?;
            watch(&self.epoll, &ours, Token::Control(life), EventFlags::IN).map_err(task_failed)?;
            books.control = Some(ours);
            theirs = Some(end);
        }
        if let UnitId::Bundle(slot, index) = life.unit {
            let made = match sockets {
                Some(made) => made,
                None => sockets::make_bundle(slot, index, number).map_err(task_failed)?,
            };
            let token = Token::Readiness(life);
            watch(&self.epoll, &made.readiness, token, EventFlags::IN).map_err(task_failed)?;
            books.listener = Some(made.listener);
            books.readiness = Some(made.readiness);
            books.run = Some(made.run);
        }
        let hand = self
            .hand
            .take_if(|(unit, ..)| *unit == life.unit)
            .map(|(_, channel, stream)| (channel, stream));
        let temporary = made.and_then(|made| made.temporary);
        let ordered = self.order(life, &task, theirs, hand, temporary);
        if let Some(late) = late {
            self.close_later(&late);
        }
        ordered.map_err(task_failed)
    }

    /// A number that no other directory of sockets has.
    pub(super) fn next_number(&mut self) -> u64 {
        self.number = self.number.wrapping_add(1);
        self.number
    }

    /// A fresh cgroup for a unit's next life.
    fn group(&mut self, unit: UnitId) -> Result<Group, Errno> {
        let name = self.name(unit);
        let other = self.must_take_other_name(unit);
        self.settle(|old| old.group.is_of(unit, other));
        self.tree.make(unit, &name, other, self.journal)
    }

    fn order(
        &mut self,
        life: UnitRef,
        task: &Task,
        control: Option<Channel>,
        hand: Option<(OwnedFd, OwnedFd)>,
        temporary: Option<OwnedFd>,
    ) -> Result<(), Errno> {
        // Two namespaces of a virtual gateway are read while the bundle's own books change.
        let home = match life.unit {
            UnitId::Bundle(slot, _) => Some(self.home(UnitId::Vgw(slot))?),
            UnitId::Core(_) | UnitId::Vgw(_) | UnitId::Hand(..) => None,
        };
        let present = self.lives.of(life.unit).ok_or(Errno::NOENT)?;
        let log = duplicate(&present.log.as_ref().ok_or(Errno::NOENT)?.write)?;
        let mounts = present.mounts.as_ref().map(duplicate).transpose()?;
        let Self {
            lives,
            jail,
            workroom,
            ..
        } = self;
        let books = lives.get(life).ok_or(Errno::NOENT)?;
        let group = books.group.as_ref().ok_or(Errno::NOENT)?;
        let mut riders = Riders::new();
        let all = [
            Some(group.as_fd()),
            Some(log.as_fd()),
            control.as_ref().map(AsFd::as_fd),
            hand.as_ref().map(|(channel, _)| channel.as_fd()),
            hand.as_ref().map(|(_, stream)| stream.as_fd()),
            home.as_ref().map(|(reaper, _)| reaper.as_fd()),
            home.as_ref().map(|(_, user)| user.as_fd()),
            books.run.as_ref().map(|run| run.directory.as_fd()),
            temporary.as_ref().map(AsFd::as_fd),
            mounts.as_ref().map(AsFd::as_fd),
        ];
        for rider in all.into_iter().flatten() {
            riders.push(rider).map_err(|_| Errno::TOOMANYREFS)?;
        }
        let answer = jail.build(workroom.as_fd(), task, &riders)?;
        watch(&self.epoll, &answer, Token::Jail(life), EventFlags::IN)?;
        books.jail = Some(answer);
        books.jail_number = jail.number();
        Ok(())
    }

    /// Closes the mounts that the lives of a bundle share: the next one makes them anew.
    pub(super) fn close_mounts(&mut self, bundle: UnitId) {
        let Some(mounts) = self.lives.of(bundle).and_then(|one| one.mounts.take()) else {
            return;
        };
        self.close_later(&mounts);
    }

    /// Lets limen-jail close the last descriptor of mounts: undoing them takes the kernel some time,
    /// which is not PID 1's. When limen-jail cannot be had, it is.
    pub(super) fn close_later(&mut self, mounts: impl AsFd) {
        let home = self.workroom.as_fd();
        let _ = self.jail.build(home, &Task::Close, &[mounts.as_fd()]);
    }

    /// Closes those of a whole virtual gateway: they have its process numbers in them.
    pub(super) fn close_mounts_in(&mut self, slot: Slot) {
        for index in (0..).map_while(|number| BundleIndex::new(number).ok()) {
            self.close_mounts(UnitId::Bundle(slot, index));
        }
    }

    /// Duplicates of the reaper's pidfd and of the user namespace of a virtual gateway.
    fn home(&mut self, vgw: UnitId) -> Result<(OwnedFd, OwnedFd), Errno> {
        let books = self.lives.of(vgw).ok_or(Errno::SRCH)?;
        let reaper = books.main.as_ref().ok_or(Errno::SRCH)?;
        let (user, _) = books.namespaces.as_ref().ok_or(Errno::SRCH)?;
        Ok((duplicate(&reaper.process)?, duplicate(user)?))
    }

    /// What limen-jail is told, and the role of whoever gets a control socket.
    fn task(&self, unit: UnitId) -> Option<(Task, Option<Role>)> {
        let entry = |number: u8| self.table.units.get(usize::from(number)).cloned();
        let record = self.core.unit(unit)?;
        let role = record.plan.role;
        let core = |unit: CoreUnit, slot| Task::Core { unit, slot };
        let task = match &record.program {
            Program::Core(number) => core(entry(*number)?, None),
            Program::Hand(number, slot) => core(entry(*number)?, Some(*slot)),
            Program::Vgw(spec) => Task::Vgw {
                spec: spec.clone(),
                held: false,
            },
            Program::Bundle(spec) => Task::Bundle {
                spec: spec.clone(),
                devices: self.devices(spec),
                held: false,
                ready: false,
            },
        };
        Some((task, role))
    }

    /// What a spec's device classes mean on this box; a class that it does not have is left out,
    /// and limen-jail refuses a spec whose classes are not all there.
    fn devices(&self, spec: &BundleSpec) -> Vec<DeviceClass, { limen_proto::limits::DEVICES }> {
        spec.devices
            .iter()
            .filter_map(|class| self.table.devices.iter().find(|one| one.name == *class))
            .cloned()
            .collect()
    }
}

/// A pipe for a unit's output. The logger's own output goes to the console: it cannot read itself.
fn make_log(role: Option<Role>) -> Result<LogPipe, Errno> {
    let (read, write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    if role != Some(Role::Logger) {
        return Ok(LogPipe { read, write });
    }
    // Non-blocking: a serial line that nobody reads must not hold the logger, nor it the others.
    let flags = OFlags::WRONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let write = rustix::fs::open("/dev/console", flags, Mode::empty())
        .or_else(|_| duplicate(rustix::stdio::stderr()))?;
    Ok(LogPipe { read, write })
}

/// Adds a descriptor to the loop. Closing it takes it out again: it has no duplicate here.
pub(super) fn watch(
    epoll: &OwnedFd,
    descriptor: impl AsFd,
    token: Token,
    events: EventFlags,
) -> Result<(), Errno> {
    let data = rustix::event::epoll::EventData::new_u64(token.encode());
    rustix::event::epoll::add(epoll, descriptor, data, events)
}

/// A close-on-exec duplicate.
pub(super) fn duplicate(descriptor: impl AsFd) -> Result<OwnedFd, Errno> {
    rustix::io::fcntl_dupfd_cloexec(descriptor, 3)
}

/// A pair for two core units.
pub(super) fn make_link() -> Result<(Channel, Channel), Errno> {
    Channel::pair().map_err(errno)
}
