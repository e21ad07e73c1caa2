//! Carrying out effects
//!
//! One at a time, in the core's order, until there is none. An effect that fails becomes an event
//! where the core waits for its outcome, and a line in the log where it does not.

use std::os::fd::{AsFd, OwnedFd};

use heapless::String;
use limen_proto::control::Event as Told;
use limen_proto::id::{Generation, Slot, UnitId, UnitRef};
use limen_proto::jail::Task;
use limen_proto::limits::BUNDLES_PER_SLOT;
use limen_proto::name::Name;
use limen_proto::state::{Exit, UnitState};
use limen_proto::table::Role;
use rustix::event::epoll::EventFlags;
use rustix::fs::{Mode, OFlags, SeekFrom};
use rustix::io::Errno;
use rustix::process::{Signal, pidfd_send_signal};

use super::Shell;
use super::build::{duplicate, make_link, watch};
use super::cgroup::Group;
use super::clock;
use super::errand::Purpose;
use super::journal::Level;
use super::size;
use super::token::Token;
use crate::core::effect::Effect;
use crate::core::supervisor::Event;
use crate::core::unit::{Program, Unit};

/// Lives between two lines about init's own size.
const LIVES_PER_LINE: u32 = 1000;

impl Shell {
    /// Carries out everything that the core asks.
    pub(super) fn carry_out(&mut self) {
        while let Some(effect) = self.core.next_effect() {
            self.carry(effect);
        }
    }

    fn carry(&mut self, effect: Effect) {
        match effect {
            Effect::Build(life) => {
                self.build(life);
                self.show_size(life.generation);
            }
            Effect::BuildSpare(life) => self.build_spare(life),
            Effect::TakeSpare(life) => self.take_spare(life),
            Effect::EndSpare(life) => self.end_spare(life),
            Effect::LeaveJail => {
                self.journal.log(
                    Level::Error,
                    format_args!("limen-jail comes no further; the next start has another"),
                );
                self.jail.leave();
            }
            Effect::Terminate(life) => self.terminate(life),
            Effect::Kill(life) => self.signal(life, Signal::KILL),
            Effect::Clear(life) => self.clear(life),
            Effect::Release(life) => {
                if let Some(books) = self.lives.get(life) {
                    let held = books.held.take();
                    books.release();
                    if let Some(mounts) = held {
                        self.close_later(&mounts);
                    }
                }
                if let UnitId::Vgw(slot) = life.unit {
                    self.close_mounts_in(slot);
                    self.forget_ready(slot);
                }
            }
            Effect::Remove(life) => {
                if let UnitId::Vgw(slot) = life.unit {
                    self.settle(|old| old.is_in(life.unit));
                    self.send_out(Purpose::Remove(life), &Task::DestroyVgw { slot }, None);
                }
            }
            Effect::Adjust(slot) => self.adjust(slot),
            Effect::Freeze(slot, frozen) => self.freeze(slot, frozen),
            Effect::Count(life) => {
                if let UnitId::Vgw(slot) = life.unit {
                    let network = self.network_of(life.unit);
                    let task = Task::Count { slot };
                    self.send_out(Purpose::Count(life), &task, network.as_ref());
                }
            }
            Effect::KernelLog(to) => self.give_kernel_log(to),
            Effect::Renew(bundle) => self.close_mounts(bundle),
            Effect::Forget(unit) => self.forget(unit),
            Effect::Report(unit) => self.report(unit),
            Effect::Link(one, other) => self.link(one, other),
            Effect::Listen(to) => self.give_port(to),
            Effect::Listener(to, of) => self.give_listener(to, of),
            Effect::Ended(to, unit) => self.tell(to, &Told::Ended { unit }, &[]),
            Effect::Stored(to, reference) => self.tell_stored(to, reference),
            Effect::Close(reference) => {
                if let Some(place) = self.stored.iter().position(|one| one.0 == reference) {
                    self.stored.swap_remove(place);
                }
            }
            Effect::Source(to, unit) => self.give_source(to, unit),
            Effect::SourceEnded(to, unit) => self.tell(to, &Told::SourceEnded { unit }, &[]),
            Effect::CoreActive => self
                .journal
                .show(format_args!("limen: core active {} us", self.age())),
            Effect::Finish { reboot } => self.finish = Some(reboot),
        }
    }

    /// Asks a main process to end: by a signal, but the steward by the end of what it is told. It
    /// then reads what was said before, the ends of virtual gateways and what they used, and writes
    /// that down; a signal would end it in the middle.
    fn terminate(&mut self, life: UnitRef) {
        if self.role(life.unit) != Some(Role::Steward) {
            return self.signal(life, Signal::TERM);
        }
        let books = self.lives.get(life);
        if let Some(control) = books.and_then(|books| books.control.as_ref()) {
            let _ = rustix::net::shutdown(control, rustix::net::Shutdown::Write);
        }
    }

    fn signal(&mut self, life: UnitRef, signal: Signal) {
        if let Some(main) = self.lives.get(life).and_then(|books| books.main.as_ref()) {
            let _ = pidfd_send_signal(&main.process, signal);
        }
    }

    /// Lets limen-jail apply the recorded contract; it works inside the network namespace.
    fn adjust(&mut self, slot: Slot) {
        // What nobody wrote to must stay so.
        self.forget_ready(slot);
        let unit = UnitId::Vgw(slot);
        let contract = self.core.unit(unit).and_then(|vgw| vgw.contract());
        let Some(contract) = contract.cloned() else {
            return;
        };
        let network = self.network_of(unit);
        let bundles = self.core.units().iter();
        let shares = bundles.filter_map(|one| one.share_in(slot));
        let task = Task::Adjust {
            slot,
            contract,
            shares: shares.take(BUNDLES_PER_SLOT).collect(),
        };
        self.send_out(Purpose::Adjust(slot), &task, network.as_ref());
    }

    /// The network namespace of a virtual gateway, to hand to limen-jail.
    fn network_of(&mut self, unit: UnitId) -> Option<OwnedFd> {
        let namespaces = self.lives.of(unit)?.namespaces.as_ref();
        namespaces.and_then(|(_, network)| duplicate(network).ok())
    }

    fn freeze(&self, slot: Slot, frozen: bool) {
        match self.tree.freeze_vgw(slot, frozen) {
            Ok(()) => {}
            // It ended, and what was made for it is gone.
            Err(Errno::NOENT) if !frozen => {}
            Err(errno) => self.journal.log(
                Level::Error,
                format_args!("freeze={frozen} of virtual gateway {slot}: {errno}"),
            ),
        }
    }

    /// Microseconds since the first instruction.
    pub(super) fn age(&self) -> u64 {
        clock::micros().saturating_sub(self.first)
    }

    /// Shows init's own size once in a while: a box that grows says so long before it fails.
    fn show_size(&self, generation: Generation) {
        if !generation.0.is_multiple_of(LIVES_PER_LINE) {
            return;
        }
        self.journal.show(format_args!(
            "limen: {} lives, resident {} kB, {} allocations, {} us",
            generation.0,
            size::resident_kb(),
            size::allocations(),
            self.age()
        ));
    }

    /// Kills what a life has, and looks at once whether anything is left.
    fn clear(&mut self, life: UnitRef) {
        let Some(books) = self.lives.get(life) else {
            // It never came to have anything.
            return self.core.handle(Event::Emptied(life), self.now);
        };
        // A restart waits for this end: what is empty already needs no kill.
        let is_awaited = self.core.unit(life.unit).is_some_and(Unit::is_restarting);
        if let Some(group) = &books.group
            && !(is_awaited && group.is_empty())
        {
            if let Err(errno) = group.kill() {
                self.journal.log(
                    Level::Warning,
                    format_args!("kill cgroup of unit {}: {errno}", life.unit),
                );
            }
            if !books.clearing {
                let token = Token::Group(life);
                let _ = watch(&self.epoll, group.events(), token, EventFlags::PRI);
            }
        }
        books.clearing = true;
        self.look_whether_empty(life);
    }

    /// Reports `Emptied` when nothing of a life that was killed is left.
    pub(super) fn look_whether_empty(&mut self, life: UnitRef) {
        let Some(books) = self.lives.get(life) else {
            return;
        };
        if !books.clearing {
            return;
        }
        // Looked at first: an event that nobody reads is there again at once, and the process may
        // take its time to end.
        let empty = books.group.as_ref().is_none_or(Group::is_empty);
        if !empty || books.has_process() {
            return;
        }
        if let Some(group) = &books.group {
            if self.core.unit(life.unit).is_some_and(Unit::is_restarting) {
                // Counted and removed later: the next life has a cgroup of its own.
                self.remove_later(life);
                return self.core.handle(Event::Emptied(life), self.now);
            }
            let counters = group.counters();
            if let Err(errno) = self.tree.remove(group) {
                // Populated once more between the two looks, or a child cgroup: the core asks again.
                self.journal.log(
                    Level::Warning,
                    format_args!("remove cgroup of unit {}: {errno}", life.unit),
                );
                return;
            }
            // A virtual gateway's are those of its whole branch, which limen-jail removes.
            if !matches!(life.unit, UnitId::Vgw(_)) {
                self.core.handle(Event::Spent { life, counters }, self.now);
            }
        }
        let Some(books) = self.lives.get(life) else {
            return;
        };
        books.group = None;
        books.clearing = false;
        self.core.handle(Event::Emptied(life), self.now);
    }

    fn forget(&mut self, unit: UnitId) {
        self.close_mounts(unit);
        self.forget_ready_of(unit);
        self.lives.forget(unit);
        match unit {
            UnitId::Vgw(slot) => self.tree.forget_vgw(slot),
            UnitId::Bundle(..) | UnitId::Core(_) | UnitId::Hand(..) => {}
        }
    }

    /// Tells the steward, and the console when something worth a line changed.
    fn report(&mut self, unit: UnitId) {
        let Some(report) = self.core.take_report(unit) else {
            return;
        };
        if let Some(steward) = self.core.live(Role::Steward) {
            self.tell(steward, &Told::Report(report), &[]);
        }
        let shown = Some((report.state, report.fault));
        let Some(books) = self.lives.of(unit) else {
            return;
        };
        if books.shown == shown {
            return;
        }
        books.shown = shown;
        let settled = matches!(
            report.state,
            UnitState::Active | UnitState::Idle | UnitState::Restarting
        );
        if !settled {
            return;
        }
        let name = self.name(unit);
        self.journal.note(format_args!(
            "limen: unit {unit} {name} {} {} pid={} restarts={} us={}{}{}",
            report.state,
            report.fault,
            report.pid,
            report.restarts,
            self.age(),
            Ended(report.exit),
            Failed(report.failed),
        ));
    }

    fn link(&mut self, one: UnitRef, other: UnitRef) {
        let (Some(first), Some(second)) = (self.role(one.unit), self.role(other.unit)) else {
            return;
        };
        match make_link() {
            Ok((left, right)) => {
                self.tell(one, &Told::Link { peer: second }, &[left.as_fd()]);
                self.tell(other, &Told::Link { peer: first }, &[right.as_fd()]);
            }
            Err(errno) => self.journal.log(
                Level::Error,
                format_args!("link {} and {}: {errno}", one.unit, other.unit),
            ),
        }
    }

    /// From now on: what is older may be about an earlier holder of a place.
    fn give_kernel_log(&mut self, to: UnitRef) {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = rustix::fs::open("/dev/kmsg", flags, Mode::empty())
            .and_then(|log| rustix::fs::seek(&log, SeekFrom::End(0)).map(|_| log));
        match opened {
            Ok(log) => self.tell(to, &Told::KernelLog, &[log.as_fd()]),
            Err(errno) => self.journal.log(
                Level::Warning,
                format_args!("open /dev/kmsg: {errno}; refused system calls are not explained"),
            ),
        }
    }

    fn give_port(&mut self, to: UnitRef) {
        if let Some(Ok(copy)) = self.port.as_ref().map(duplicate) {
            self.tell(to, &Told::Listener { unit: to }, &[copy.as_fd()]);
        }
    }

    fn give_listener(&mut self, to: UnitRef, of: UnitRef) {
        let listener = self.lives.get(of).and_then(|one| one.listener.as_ref());
        if let Some(Ok(copy)) = listener.map(duplicate) {
            self.tell(to, &Told::Listener { unit: of }, &[copy.as_fd()]);
        }
    }

    fn give_source(&mut self, to: UnitRef, unit: UnitId) {
        let pipe = self.lives.of(unit).and_then(|one| one.log.as_ref());
        let Some(Ok(copy)) = pipe.map(|pipe| duplicate(&pipe.read)) else {
            return;
        };
        let Ok(name) = self.name(unit).parse::<Name>() else {
            return;
        };
        self.tell(to, &Told::Source { unit, name }, &[copy.as_fd()]);
    }

    fn role(&self, unit: UnitId) -> Option<Role> {
        self.core.unit(unit).and_then(|record| record.plan.role)
    }

    /// What people call a unit.
    pub(super) fn name(&self, unit: UnitId) -> String<32> {
        let mut name = String::new();
        let entry = |number: u8| self.table.units.get(usize::from(number));
        let text = match self.core.unit(unit).map(|record| &record.program) {
            Some(Program::Core(number) | Program::Hand(number, _)) => {
                entry(*number).map(|entry| entry.name.as_str())
            }
            Some(Program::Vgw(spec)) => Some(spec.provider.as_str()),
            Some(Program::Bundle(spec)) => Some(spec.name.as_str()),
            None => None,
        };
        // Names have at most 32 bytes.
        let _ = name.push_str(text.unwrap_or("unknown"));
        name
    }
}

/// How a main process ended, for a line.
struct Ended(Option<Exit>);

impl core::fmt::Display for Ended {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.0 {
            None => Ok(()),
            Some(Exit::Status(status)) => write!(out, " exit={status}"),
            Some(Exit::Signal(signal)) => write!(out, " signal={signal}"),
        }
    }
}

/// Where limen-jail failed, for a line.
struct Failed(Option<(limen_proto::jail::Step, i32)>);

impl core::fmt::Display for Failed {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.0 {
            None => Ok(()),
            Some((step, number)) => {
                write!(out, " step={step:?} ({})", Errno::from_raw_os_error(number))
            }
        }
    }
}
