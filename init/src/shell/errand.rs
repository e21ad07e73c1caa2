//! Errands: limen-jail without a payload
//!
//! Preparing the box's network at boot, looking at what the kernel lacks, applying a changed contract, removing what was made for a
//! virtual gateway, reading back what is enforced on a unit. Each is one process in one shared leaf; one that does not answer in time is
//! killed by itself, never by its cgroup, so the leaf stays usable.

use std::os::fd::{AsFd, OwnedFd};

use heapless::Vec;
use limen_channel::{Buffer, Channel, ChannelError};
use limen_proto::control::{ControlError, Event as Notice};
use limen_proto::id::{Slot, UnitRef};
use limen_proto::jail::{Answer, Found, Step, Task};
use limen_proto::limits::SLOTS;
use limen_proto::table::Role;
use limen_sandbox::reap::reap;
use rustix::event::epoll::EventFlags;
use rustix::io::Errno;
use rustix::process::{Signal, pidfd_send_signal};

use super::Shell;
use super::build::watch;
use super::journal::Level;
use super::token::Token;
use crate::core::supervisor::Event;
use crate::core::unit::Unit;

/// Longest time for one errand, milliseconds.
const WITHIN_MS: u64 = 8_000;

/// From the preparation of the network to the look at the kernel, milliseconds: nothing waits for
/// what it finds, and what shall run is on its way meanwhile.
const LOOK_MS: u64 = 500;

/// Errands that can run at once: a removal for every slot, and some more.
const ERRANDS: usize = SLOTS + 8;

/// What an errand is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The box's own network, before the first unit that needs it.
    Prepare,
    /// What the kernel lacks.
    Look,
    /// A changed contract.
    Adjust(Slot),
    /// A virtual gateway's remains.
    Remove(UnitRef),
    /// What a virtual gateway uses.
    Count(UnitRef),
    /// What is enforced on a life.
    Inspect(UnitRef),
}

/// A running limen-jail that builds nothing.
pub(super) struct Errand {
    number: u32,
    purpose: Purpose,
    /// None when it has answered or hung up.
    channel: Option<Channel>,
    process: OwnedFd,
    pid: u32,
    deadline: Option<u64>,
    /// The request that is answered by its outcome.
    asked: Option<Asked>,
}

/// A request of a life that waits for its answer.
pub(super) type Asked = (UnitRef, u32);

/// The running errands.
pub(super) struct Errands {
    list: Vec<Errand, ERRANDS>,
    number: u32,
}

impl Errands {
    pub(super) const fn new() -> Self {
        Self {
            list: Vec::new(),
            number: 0,
        }
    }

    /// When the first of them has had its time.
    pub(super) fn next_deadline(&self) -> Option<u64> {
        self.list.iter().filter_map(|one| one.deadline).min()
    }

    /// Whose process that is.
    pub(super) fn of_process(&self, pid: u32) -> Option<u32> {
        let mut list = self.list.iter();
        list.find(|one| one.pid == pid).map(|one| one.number)
    }

    /// Whether the contract of a virtual gateway is being applied.
    pub(super) fn is_adjusting(&self, slot: Slot) -> bool {
        let mut list = self.list.iter();
        list.any(|one| one.purpose == Purpose::Adjust(slot))
    }

    fn forget(&mut self, number: u32) {
        self.list.retain(|one| one.number != number);
    }

    fn get(&mut self, number: u32) -> Option<&mut Errand> {
        self.list.iter_mut().find(|one| one.number == number)
    }
}

impl Shell {
    /// Sends limen-jail out. A failure to start is an outcome like any other.
    pub(super) fn send_out(&mut self, purpose: Purpose, task: &Task, rider: Option<&OwnedFd>) {
        let asked = self.asked.take();
        if let Err(errno) = self.try_send_out(purpose, task, rider, asked) {
            let failed = Some((Step::Task, errno.raw_os_error()));
            self.conclude(purpose, failed, asked);
        }
    }

    fn try_send_out(
        &mut self,
        purpose: Purpose,
        task: &Task,
        rider: Option<&OwnedFd>,
        asked: Option<Asked>,
    ) -> Result<(), Errno> {
        if self.errands.list.is_full() {
            return Err(Errno::BUSY);
        }
        let riders = rider.map(AsFd::as_fd);
        let group = self.workroom.as_fd();
        let (channel, child) = self.jail.errand(group, task, riders.as_slice())?;
        self.errands.number = self.errands.number.wrapping_add(1);
        let number = self.errands.number;
        watch(&self.epoll, &channel, Token::Errand(number), EventFlags::IN)?;
        let token = Token::ErrandProcess(number);
        watch(&self.epoll, &child.pidfd, token, EventFlags::IN)?;
        let errand = Errand {
            number,
            purpose,
            channel: Some(channel),
            process: child.pidfd,
            pid: child.pid.as_raw_nonzero().get().unsigned_abs(),
            deadline: Some(self.now.saturating_add(WITHIN_MS)),
            asked,
        };
        self.errands.list.push(errand).map_err(|_| Errno::BUSY)
    }

    /// An errand has something to say.
    pub(super) fn hear_errand(&mut self, number: u32) {
        let Some(errand) = self.errands.get(number) else {
            return;
        };
        let Some(channel) = &errand.channel else {
            return;
        };
        let mut buffer = Buffer::new();
        let mut found = Found::default();
        let mut compared = None;
        let failed = match channel.try_receive::<Answer>(&mut buffer) {
            Err(ChannelError::WouldBlock) => return,
            Ok(Some((Answer::Done, _))) => None,
            Ok(Some((Answer::Inspected(outcome), _))) => {
                compared = Some(outcome);
                None
            }
            Ok(Some((Answer::Counted(counted), _))) => {
                found = counted;
                None
            }
            Ok(Some((Answer::Failed { step, errno }, _))) => Some((step, errno)),
            Ok(Some((Answer::Built { .. }, _)) | None) => {
                Some((Step::Task, Errno::PIPE.raw_os_error()))
            }
            Err(error) => Some((Step::Task, error.errno())),
        };
        errand.channel = None;
        let (purpose, asked) = (errand.purpose, errand.asked.take());
        if let (Purpose::Inspect(life), Some(compared)) = (purpose, compared) {
            self.inspected(life, compared);
        }
        if failed.is_none() {
            self.found(purpose, found);
        }
        self.conclude(purpose, failed, asked);
    }

    /// The process of an errand may have ended.
    pub(super) fn reap_errand(&mut self, number: u32) {
        let errand = self.errands.get(number);
        if errand.is_some_and(|errand| !matches!(reap(errand.process.as_fd()), Ok(None))) {
            self.end_errand(number);
        }
    }

    /// The process of an errand was reaped. What it said last is still to be read.
    pub(super) fn end_errand(&mut self, number: u32) {
        self.hear_errand(number);
        self.errands.forget(number);
    }

    /// Ends errands that have had their time; their hang-up is their outcome.
    pub(super) fn expire_errands(&mut self) {
        for errand in &mut self.errands.list {
            if errand.deadline.is_some_and(|deadline| deadline <= self.now) {
                errand.deadline = None;
                let _ = pidfd_send_signal(&errand.process, Signal::KILL);
            }
        }
    }

    fn conclude(&mut self, purpose: Purpose, failed: Option<(Step, i32)>, asked: Option<Asked>) {
        let is_gone = |number: i32| {
            matches!(purpose, Purpose::Inspect(_)) && number == Errno::SRCH.raw_os_error()
        };
        if let Some((step, number)) = failed.filter(|(_, number)| !is_gone(*number)) {
            self.journal.log(
                Level::Warning,
                format_args!(
                    "limen-jail, {purpose:?}: step {step:?} failed: {}",
                    Errno::from_raw_os_error(number)
                ),
            );
        }
        match purpose {
            Purpose::Prepare => {
                self.look = Some((self.now.saturating_add(LOOK_MS), failed.is_none()));
                self.core.handle(Event::Prepared, self.now);
            }
            Purpose::Look => {}
            Purpose::Adjust(slot) => {
                if let Some(step) = failed {
                    self.core
                        .handle(Event::NotAdjusted { slot, step }, self.now);
                }
            }
            Purpose::Remove(life) => self.core.handle(Event::Removed(life), self.now),
            Purpose::Count(_) => {}
            Purpose::Inspect(_) => self.inspecting = false,
        }
        if let Some((life, id)) = asked {
            let result = failed.map_or(Ok(()), |(_, errno)| Err(ControlError::Kernel(errno)));
            self.tell(life, &Notice::Reply { id, result }, &[]);
        }
    }

    /// limen-jail looked at what a virtual gateway uses, or used.
    fn found(&mut self, purpose: Purpose, found: Found) {
        match purpose {
            Purpose::Remove(life) => {
                let counters = found.counters;
                // What a parked one used is the unit's, whichever life it was to be.
                if let Some(life) = self.core.unit(life.unit).map(Unit::life) {
                    self.core.handle(Event::Spent { life, counters }, self.now);
                }
            }
            Purpose::Count(unit) => {
                if let Some(steward) = self.core.live(Role::Steward) {
                    self.tell(steward, &Notice::Counted { unit, found }, &[]);
                }
            }
            Purpose::Prepare | Purpose::Look | Purpose::Adjust(_) | Purpose::Inspect(_) => {}
        }
    }

    /// Lets limen-jail look at the kernel, once a boot.
    pub(super) fn look_when_due(&mut self) {
        if let Some((_, network)) = self.look.take_if(|(due, _)| *due <= self.now) {
            self.send_out(Purpose::Look, &Task::NoteFeatures { network }, None);
        }
    }
}
