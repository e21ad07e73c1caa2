//! Starting limen-jail, and hearing what it says
//!
//! One process a task, born in the cgroup of the unit that it builds. It speaks on one channel;
//! the payload is init's own child, and its pidfd comes over that channel.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use limen_channel::{Channel, ChannelError};
use limen_proto::jail::{JAIL_DESCRIPTOR, Task};
use limen_sandbox::spawn::{Child, spawn_into};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// limen-jail on the box.
const JAIL: &str = "/usr/lib/limen/bin/limen-jail";

/// The open program, and what its children start with.
pub(super) struct Jail {
    program: OwnedFd,
    null: OwnedFd,
}

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
        Ok(Self { program, null })
    }

    /// `/dev/null`, which every payload has as standard input.
    pub(super) fn null(&self) -> BorrowedFd<'_> {
        self.null.as_fd()
    }

    /// Starts limen-jail in `group` and gives it its task. What it has to say in words goes to
    /// `log`, or to the console.
    ///
    /// # Errors
    /// The kernel's reason; then nothing runs, or it ends by itself when it finds no task.
    pub(super) fn start(
        &self,
        group: BorrowedFd<'_>,
        log: Option<BorrowedFd<'_>>,
        task: &Task,
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(Channel, Child), Errno> {
        let (ours, theirs) = Channel::pair().map_err(errno)?;
        // The task goes first: a process that finds it waiting waits for nothing.
        ours.try_send(task, descriptors).map_err(errno)?;
        let child = spawn_into(
            group,
            self.program.as_fd(),
            &[c"limen-jail"],
            &[],
            &[
                (self.null(), 0),
                (log.unwrap_or(rustix::stdio::stdout()), 1),
                (log.unwrap_or(rustix::stdio::stderr()), 2),
                (theirs.as_fd(), JAIL_DESCRIPTOR),
            ],
        )?;
        Ok((ours, child))
    }
}

/// The number of a channel's error.
pub(super) fn errno(error: ChannelError) -> Errno {
    Errno::from_raw_os_error(error.errno())
}
