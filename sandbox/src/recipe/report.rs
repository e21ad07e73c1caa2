//! What init is told

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use limen_channel::{Buffer, Channel, Descriptors};
use limen_proto::jail::{Answer, Found, JAIL_DESCRIPTOR, Step, Task};
use limen_proto::posture::{Compared, Posture};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{PidfdFlags, getpid, pidfd_open};

use crate::fault::{At, Fault};
use crate::sys::close_inherited;

/// First descriptor number of what must outlive the moment in which the payload's descriptors are
/// put at their numbers.
const ABOVE_PLACES: i32 = 64;

/// The socket on which init's orders come; none in what becomes a unit.
#[derive(Debug)]
pub(super) struct Orders(Option<Channel>);

impl Orders {
    /// Takes the socket that init left at its number, which is free then: it can be left with this.
    pub(super) fn inherited() -> Result<Self, Fault> {
        let socket = limen_channel::inherited(JAIL_DESCRIPTOR).at(
            Step::Task,
            "take",
            "the socket to init",
        )?;
        close_inherited(JAIL_DESCRIPTOR);
        Ok(Self(Some(Channel::from(socket))))
    }

    /// Closes it.
    pub(super) fn leave(&mut self) {
        self.0 = None;
    }

    /// Waits for a task or init's hang-up, so long. Returns whether there is one.
    pub(super) fn wait(&self, patience: &Timespec) -> Result<bool, Fault> {
        let Some(orders) = &self.0 else {
            return Ok(true);
        };
        let mut socket = [PollFd::new(orders, PollFlags::IN)];
        rustix::io::retry_on_intr(|| poll(&mut socket, Some(patience)))
            .map(|ready| ready > 0)
            .at(Step::Task, "wait for", "a task")
    }

    /// Waits for a task; none when init hung up.
    pub(super) fn next(&self) -> Result<Option<(Task, Descriptors)>, Fault> {
        let Some(orders) = &self.0 else {
            return Ok(None);
        };
        orders
            .receive(&mut Buffer::new())
            .at(Step::Task, "receive", "a task")
    }
}

/// Where a task's outcome is told: one socket a task.
#[derive(Debug)]
pub(super) struct Init(Channel);

impl Init {
    /// Takes the socket that rode with a task.
    pub(super) fn new(socket: &OwnedFd) -> Result<Self, Fault> {
        rustix::io::fcntl_dupfd_cloexec(socket, ABOVE_PLACES)
            .map(|socket| Self(Channel::from(socket)))
            .at(Step::Task, "take", "the way to answer")
    }

    pub(super) fn built(
        &self,
        payload: &Identity,
        posture: Posture,
        more: &[BorrowedFd<'_>],
    ) -> Result<(), Fault> {
        let answer = Answer::Built {
            pid: payload.pid,
            posture,
        };
        let mut riders = vec![payload.pidfd.as_fd()];
        riders.extend(more);
        self.0
            .send(&answer, &riders)
            .at(Step::Exec, "report to", "init")
    }

    pub(super) fn inspected(&self, compared: Compared) -> Result<(), Fault> {
        self.0
            .send(&Answer::Inspected(compared), &[])
            .at(Step::Task, "report to", "init")
    }

    pub(super) fn done(&self) -> Result<(), Fault> {
        self.0
            .send(&Answer::Done, &[])
            .at(Step::Task, "report to", "init")
    }

    pub(super) fn ready(&self, made: Option<BorrowedFd<'_>>) -> Result<(), Fault> {
        self.0
            .send(&Answer::Done, made.as_slice())
            .at(Step::Task, "report to", "init")
    }

    pub(super) fn counted(&self, found: Found) -> Result<(), Fault> {
        self.0
            .send(&Answer::Counted(found), &[])
            .at(Step::Task, "report to", "init")
    }

    /// Reports a fault: its text to the unit's log, its step and errno to init.
    pub(super) fn failed(&self, fault: &Fault) {
        eprintln!("limen-jail: {fault}");
        let answer = Answer::Failed {
            step: fault.step(),
            errno: fault.errno(),
        };
        // init that is gone needs no answer.
        let _ = self.0.send(&answer, &[]);
    }
}

/// Who this process is to init.
#[derive(Debug)]
pub(super) struct Identity {
    pid: u32,
    pidfd: OwnedFd,
}

impl Identity {
    /// Asks while the box's /proc is there: it counts pids as init does, whatever the pid
    /// namespace of who asks.
    pub(super) fn own() -> Result<Self, Fault> {
        const SELF: &str = "/proc/self";
        let link = std::fs::read_link(SELF).at(Step::Namespaces, "read", SELF)?;
        let pid = link
            .to_str()
            .and_then(|pid| pid.parse().ok())
            .ok_or_else(|| Fault::new(Step::Namespaces, "understand", SELF, Errno::INVAL))?;
        let pidfd = pidfd_open(getpid(), PidfdFlags::empty()).at(
            Step::Namespaces,
            "open",
            "the payload's own pidfd",
        )?;
        Ok(Self { pid, pidfd })
    }
}
