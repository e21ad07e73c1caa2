//! From the first instruction to the loop
//!
//! As PID 1: mounts, then everything else. As an ordinary process: a lock against a second self, and
//! the end of what an earlier self left. All memory that init ever has is taken here.

use core::fmt;

use limen_proto::jail::Task;
use limen_proto::table::{Role, Table, UNITS_PATH};
use limen_sandbox::spawn::{forget_inherited_signals, survives_in};
use rustix::event::epoll::{CreateFlags, EventFlags};
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit};
use static_cell::ConstStaticCell;
use std::os::fd::{AsFd, OwnedFd};

use super::boot;
use super::build::watch;
use super::errand::{Errands, Purpose};
use super::journal::{Journal, Level};
use super::life::Lives;
use super::signals::Signals;
use super::token::Token;
use super::watchdog::Watchdog;
use super::{Shell, cgroup, clock, down, jail, limbo, mounts, sockets};
use crate::core::supervisor::Supervisor;

static CORE: ConstStaticCell<Supervisor> = ConstStaticCell::new(Supervisor::new());
static LIVES: ConstStaticCell<Lives> = ConstStaticCell::new(Lives::new());

/// Most descriptors of init: about ten a unit, and the stored ones.
const DESCRIPTORS: u64 = 4096;

/// Why init could not begin: what it tried, and the kernel's reason.
#[derive(Debug)]
pub struct Fault {
    operation: &'static str,
    errno: Errno,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.operation, self.errno)
    }
}

impl std::error::Error for Fault {}

fn fault(operation: &'static str) -> impl Fn(Errno) -> Fault {
    move |errno| Fault { operation, errno }
}

/// Runs init until the box, or at least init, shall end.
///
/// # Errors
/// It could not begin. PID 1 must not return then; its caller knows.
pub fn run() -> Result<(), Fault> {
    let first = clock::micros();
    let first_process = rustix::process::getpid().is_init();
    let journal: &'static Journal = Box::leak(Box::new(Journal::open(first_process)));
    let result = begin(first, first_process, journal);
    match result {
        Ok(mut shell) => {
            let reboot = shell.turn_until_the_end();
            shell.clear_workroom();
            journal.flush();
            if first_process {
                down::leave(journal, reboot);
            }
            Ok(())
        }
        Err(fault) => {
            journal.show(format_args!("limen: cannot begin: {fault}"));
            Err(fault)
        }
    }
}

/// Not inlined: what it takes of the stack is given back.
#[inline(never)]
fn begin(first: u64, first_process: bool, journal: &'static Journal) -> Result<Shell, Fault> {
    forget_inherited_signals();
    let signals = Signals::open().map_err(fault("signalfd"))?;
    if first_process {
        mounts::make(journal);
        quieten(journal);
    } else {
        settle_in(journal)?;
    }
    mounts::make_run_directories().map_err(fault("mkdir /run/limen"))?;
    let limit = Rlimit {
        current: Some(DESCRIPTORS),
        maximum: Some(DESCRIPTORS),
    };
    if let Err(errno) = rustix::process::setrlimit(Resource::Nofile, limit) {
        journal.log(Level::Warning, format_args!("raise RLIMIT_NOFILE: {errno}"));
    }
    let table = read_table()?;
    let tree = cgroup::Tree::open(journal)
        .map_err(fault("open /sys/fs/cgroup (cgroup v2 is required)"))?;
    let workroom = tree
        .make_core("jail")
        .map_err(fault("mkdir limen/core/jail"))?;
    test_cloning(&tree, &workroom)?;
    let epoll =
        rustix::event::epoll::create(CreateFlags::CLOEXEC).map_err(fault("epoll_create"))?;
    watch(&epoll, &signals, Token::Signals, EventFlags::IN).map_err(fault("epoll_ctl"))?;
    // Opening arms it: under another init the watchdog is the other's.
    let watchdog = if first_process {
        open_watchdog(&table.watchdog, journal)
    } else {
        None
    };
    let mut shell = Shell {
        core: CORE.take(),
        lives: LIVES.take(),
        table,
        stored: heapless::Vec::new(),
        errands: Errands::new(),
        look: None,
        inspecting: false,
        hand: None,
        asked: None,
        epoll,
        signals,
        journal,
        tree,
        workroom,
        jail: jail::Jail::open().map_err(fault("open limen-jail"))?,
        number: 0,
        limbo: limbo::Limbo::new(),
        port: open_port(table, journal),
        watchdog,
        first_process,
        first,
        now: clock::now(),
        more_children: false,
        finish: None,
    };
    shell.boot();
    Ok(shell)
}

impl Shell {
    /// Starts the core's units, and lets limen-jail prepare the network meanwhile: no unit that is
    /// in it, and no virtual gateway, is built before that is done.
    fn boot(&mut self) {
        let task = Task::PrepareNetwork {
            uplink: self.table.uplink.clone(),
            listen: management(self.table).unwrap_or_default(),
            connections: self.table.connections,
        };
        self.send_out(Purpose::Prepare, &task, None);
        self.journal.log(
            Level::Info,
            format_args!(
                "starting {} core units, {} us after the first instruction{}",
                self.table.units.len(),
                self.age(),
                if self.first_process {
                    ""
                } else {
                    ", as an ordinary process"
                },
            ),
        );
        // The microsecond of the first instruction is dice enough, and waits for no entropy.
        self.core.scatter(self.first);
        self.core.number(boot::number(self.first));
        self.core.boot(self.table, self.first / 1000, self.now);
        self.carry_out();
    }
}

/// What only PID 1 may tell the kernel.
fn quieten(journal: &Journal) {
    // The kernel drops lines of user programs beyond ten in five seconds; those of PID 1 are few.
    let _ = std::fs::write("/proc/sys/kernel/printk_devkmsg", "on\n");
    // Of its own lines about refused system calls too, one a call and of all units together: a program
    // that tries ten at its start would hide what it tries next. So many and no more, for a flood of
    // them pushes everything else out of the kernel's ring.
    let _ = std::fs::write("/proc/sys/kernel/printk_ratelimit_burst", "64\n");
    // Ctrl-alt-delete becomes SIGINT to us instead of a reset.
    if let Err(errno) = rustix::system::reboot(rustix::system::RebootCommand::CadOff) {
        journal.log(
            Level::Warning,
            format_args!("take ctrl-alt-delete: {errno}"),
        );
    }
}

/// Takes the place of an earlier self under another init.
fn settle_in(journal: &Journal) -> Result<(), Fault> {
    mounts::make_run_directories().map_err(fault("mkdir /run/limen"))?;
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC;
    let lock: OwnedFd = rustix::fs::open("/run/limen/lock", flags, Mode::from_raw_mode(0o600))
        .map_err(fault("open /run/limen/lock"))?;
    rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive)
        .map_err(fault("lock /run/limen/lock (another limen-init runs)"))?;
    // Held until the process ends; the kernel lets go of it then.
    let _ = Box::leak(Box::new(lock));
    // Orphans of units are ours to reap here too.
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .map_err(fault("become subreaper"))?;
    // The host's kernel is told what it knows of its own init. limen-jail sets each unit's own.
    if let Err(error) = std::fs::write("/proc/self/oom_score_adj", "-1000") {
        journal.log(
            Level::Warning,
            format_args!("write /proc/self/oom_score_adj: {error}"),
        );
    }
    cgroup::clear_leftovers(journal);
    Ok(())
}

/// The image's table, for as long as init lives.
///
/// Understood by a thread of its own, which is gone then, with its stack: copies of a table lie on it, 300 KiB
/// that PID 1 would keep for ever.
fn read_table() -> Result<&'static Table, Fault> {
    match std::thread::Builder::new().spawn(understand_table) {
        Ok(thread) => thread.join().unwrap_or(Err(Fault {
            operation: "wait for the thread that reads /usr/lib/limen/units",
            errno: Errno::SRCH,
        })),
        // Short of processes, init still begins.
        Err(_) => understand_table(),
    }
}

fn understand_table() -> Result<&'static Table, Fault> {
    let bytes = std::fs::read(UNITS_PATH).map_err(|error| Fault {
        operation: "read /usr/lib/limen/units",
        errno: Errno::from_io_error(&error).unwrap_or(Errno::IO),
    })?;
    let table: Table = limen_proto::table::read(&bytes).map_err(|_| Fault {
        operation: "understand /usr/lib/limen/units (built for another version?)",
        errno: Errno::BADMSG,
    })?;
    Ok(Box::leak(Box::new(table)))
}

/// Whether children survive in a fresh cgroup, and what to do when they do not. limen-jail's own is
/// one: a child that ends by itself leaves it as it was.
fn test_cloning(tree: &cgroup::Tree, fresh: &cgroup::Group) -> Result<(), Fault> {
    let survives = || survives_in(fresh.as_fd()).map_err(fault("clone3 into a cgroup"));
    if survives()? {
        return Ok(());
    }
    // Our own cgroup was killed once: a fresh one of our own makes the counts equal.
    tree.move_self()
        .map_err(fault("move into limen/core/init"))?;
    match survives()? {
        true => Ok(()),
        false => Err(Fault {
            operation: "start a process in a fresh cgroup (killed by the kernel; start init from a cgroup that was never killed)",
            errno: Errno::NOTRECOVERABLE,
        }),
    }
}

fn open_watchdog(path: &str, journal: &Journal) -> Option<Watchdog> {
    Watchdog::open(path).unwrap_or_else(|errno| {
        journal.log(
            Level::Warning,
            format_args!("open {path}: {errno}; nothing resets a box whose init hangs"),
        );
        None
    })
}

fn management(table: &Table) -> Option<u16> {
    let unit = table
        .units
        .iter()
        .find(|unit| unit.role == Role::Management)?;
    (unit.listen != 0).then_some(unit.listen)
}

fn open_port(table: &Table, journal: &Journal) -> Option<OwnedFd> {
    let port = management(table)?;
    sockets::listen(port)
        .inspect_err(|errno| {
            journal.log(
                Level::Error,
                format_args!("listen on port {port}: {errno}; the box cannot be managed"),
            );
        })
        .ok()
}
