//! limen-jail: starting it, and giving it tasks
//!
//! One stays and builds every unit: that a program is executed and starts up is then no part of a
//! unit's start. It lives in the core's own leaf, holds nothing between two tasks, and is started
//! again with the next task when it is gone. Tasks that waited for it then hang up, and who waits for
//! one can ask whether that is why. One that comes no further is left, and another started. What builds
//! nothing may wait in the kernel, so each such task has a limen-jail of its own.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use heapless::Vec;
use limen_channel::{Channel, ChannelError};
use limen_proto::jail::{JAIL_DESCRIPTOR, Task};
use limen_proto::limits::FRAME_DESCRIPTORS;
use limen_sandbox::spawn::{Child, spawn_into};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::net::sockopt;
use rustix::process::{Signal, pidfd_send_signal};

/// limen-jail on the box.
const JAIL: &str = "/usr/lib/limen/bin/limen-jail";
/// Send buffer of the way to limen-jail, bytes: tasks of all units at once.
const ORDERS_SPACE: usize = 1 << 20;

/// The open program, what its children start with, and the one that stays.
pub(super) struct Jail {
    program: OwnedFd,
    null: OwnedFd,
    resident: Option<Resident>,
    /// Which one it is, of those that there were.
    number: u32,
}

struct Resident {
    orders: Channel,
    child: Child,
}

/// What rides with a task behind the way to answer.
pub(super) type Riders<'a> = Vec<BorrowedFd<'a>, FRAME_DESCRIPTORS>;

impl Jail {
    /// Opens the program once: later starts walk no path.
    ///
    /// # Errors
    /// It is not in the image.
    pub(super) fn open() -> Result<Self, Errno> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let program = rustix::fs::open(JAIL, flags, Mode::empty())?;
        let flags = OFlags::RDWR | OFlags::CLOEXEC;
        let null = rustix::fs::open("/dev/null", flags, Mode::empty())?;
        Ok(Self {
            program,
            null,
            resident: None,
            number: 0,
        })
    }

    /// Lets the limen-jail that stays build a unit; it lives in `home`. Returns where it answers.
    ///
    /// # Errors
    /// The kernel's reason; then nothing is built. EAGAIN: more tasks wait than there is room for.
    pub(super) fn build(
        &mut self,
        home: BorrowedFd<'_>,
        task: &Task,
        riders: &[BorrowedFd<'_>],
    ) -> Result<Channel, Errno> {
        let (ours, theirs) = Channel::pair().map_err(errno)?;
        let riders = behind(&theirs, riders)?;
        if let Some(resident) = &self.resident {
            match resident.orders.try_send(task, &riders) {
                Ok(()) => return Ok(ours),
                // It is gone, and was not reaped yet.
                Err(ChannelError::HungUp) => {}
                Err(error) => return Err(errno(error)),
            }
        }
        let (orders, inherited) = Channel::pair().map_err(errno)?;
        // Best effort, as for control sockets.
        let _ = sockopt::set_socket_send_buffer_size_force(&orders, ORDERS_SPACE);
        orders.try_send(task, &riders).map_err(errno)?;
        let child = self.start(home, &inherited)?;
        self.resident = Some(Resident { orders, child });
        self.number = self.number.wrapping_add(1);
        Ok(ours)
    }

    /// Lets a limen-jail of its own, born in `group`, do a task that builds nothing.
    ///
    /// # Errors
    /// The kernel's reason; then nothing runs, or it ends by itself when it finds no task.
    pub(super) fn errand(
        &self,
        group: BorrowedFd<'_>,
        task: &Task,
        riders: &[BorrowedFd<'_>],
    ) -> Result<(Channel, Child), Errno> {
        let (ours, theirs) = Channel::pair().map_err(errno)?;
        let (orders, inherited) = Channel::pair().map_err(errno)?;
        // The task goes first: a process that finds it waiting waits for nothing. Behind it is the
        // hang-up.
        orders
            .try_send(task, &behind(&theirs, riders)?)
            .map_err(errno)?;
        let child = self.start(group, &inherited)?;
        Ok((ours, child))
    }

    fn start(&self, group: BorrowedFd<'_>, orders: &Channel) -> Result<Child, Errno> {
        spawn_into(
            group,
            self.program.as_fd(),
            &[c"limen-jail"],
            &[],
            &[(self.null.as_fd(), 0), (orders.as_fd(), JAIL_DESCRIPTOR)],
        )
    }

    /// Hangs up: the limen-jail that stays ends by itself when it has finished what it does.
    pub(super) fn dismiss(&mut self) {
        self.resident = None;
    }

    /// Which limen-jail got the last task.
    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// Whether the limen-jail with this number still takes tasks. Its end of the socket closes before
    /// those of the tasks that wait in it.
    pub(super) fn is_there(&self, number: u32) -> bool {
        let Some(resident) = self.resident.as_ref().filter(|_| self.number == number) else {
            return false;
        };
        let mut orders = [PollFd::new(&resident.orders, PollFlags::empty())];
        // Hang-ups are told whether or not they are asked for.
        let told = rustix::event::poll(&mut orders, Some(&Timespec::default()));
        told == Ok(0)
    }

    /// Leaves the one that stays: it comes no further. The next task starts another.
    pub(super) fn leave(&mut self) {
        if let Some(resident) = self.resident.take() {
            let _ = pidfd_send_signal(&resident.child.pidfd, Signal::KILL);
        }
    }

    /// A process was reaped. Whether it was the limen-jail that stays.
    pub(super) fn reaped(&mut self, pid: u32) -> bool {
        let was = self.resident.as_ref().is_some_and(|resident| {
            resident.child.pid.as_raw_nonzero().get().unsigned_abs() == pid
        });
        if was {
            self.resident = None;
        }
        was
    }
}

fn behind<'a>(answer: &'a Channel, riders: &[BorrowedFd<'a>]) -> Result<Riders<'a>, Errno> {
    let mut all = Riders::new();
    all.push(answer.as_fd()).map_err(|_| Errno::TOOMANYREFS)?;
    all.extend_from_slice(riders)
        .map_err(|_| Errno::TOOMANYREFS)?;
    Ok(all)
}

/// The number of a channel's error.
pub(super) fn errno(error: ChannelError) -> Errno {
    Errno::from_raw_os_error(error.errno())
}
