//! The thin shell: descriptors and system calls, no decisions
//!
//! One epoll, one thread. Each turn of the loop waits for descriptors or the next deadline, hands
//! the core what happened, and carries out what the core asks. Nothing here waits for a unit:
//! sockets are non-blocking, what waits in the kernel is limen-jail's, and no unit gets more than a
//! few messages a turn.
//!
//! | file       | noun                                                            |
//! |------------|-----------------------------------------------------------------|
//! | `start`    | from the first instruction to the loop                          |
//! | `turn`     | the loop                                                        |
//! | `carry`    | effects of the core, carried out                                |
//! | `build`    | the beginning of a life                                         |
//! | `hear`     | what limen-jail, processes and readiness sockets say            |
//! | `control`  | control sockets                                                 |
//! | `errand`   | limen-jail without a payload                                    |
//! | `inspection` | what the kernel enforces, read back                            |
//! | `life`     | the descriptors of one unit                                     |
//! | `jail`     | limen-jail: starting it, and giving it tasks                    |
//! | `cgroup`   | the cgroup tree                                                 |
//! | `spare`    | lives that are begun ahead of their time                        |
//! | `ready`    | what a start finds ready                                        |
//! | `limbo`    | what ended lives leave, removed later                           |
//! | `sockets`  | sockets that init makes for its units                           |
//! | `mounts`   | the mounts of PID 1                                             |
//! | `boot`     | the number of this life of init                                 |
//! | `signals`, `clock`, `watchdog`, `journal`, `token`, `size`, `down` | what they say           |

mod boot;
mod build;
mod carry;
mod cgroup;
mod clock;
mod control;
mod down;
mod errand;
mod hear;
mod inspection;
mod jail;
mod journal;
mod life;
mod limbo;
mod mounts;
mod ready;
mod signals;
mod size;
mod sockets;
mod spare;
mod start;
mod token;
mod turn;
mod watchdog;

use std::os::fd::OwnedFd;

use heapless::Vec;
use limen_proto::id::UnitId;
use limen_proto::limits::STORED_DESCRIPTORS;
use limen_proto::table::Table;

use crate::core::supervisor::Supervisor;

pub use start::{Fault, run};

/// Everything that PID 1 has.
pub struct Shell {
    core: &'static mut Supervisor,
    lives: &'static mut life::Lives,
    table: &'static Table,
    /// The descriptors that stand behind the core's stored records.
    stored: Vec<(u64, OwnedFd), STORED_DESCRIPTORS>,
    errands: errand::Errands,
    /// When to look at the kernel, and whether the network could be prepared.
    look: Option<(u64, bool)>,
    /// An inspection is under way.
    inspecting: bool,
    /// The descriptors of a hand that was accepted and is not built yet.
    hand: Option<(UnitId, OwnedFd, OwnedFd)>,
    /// The request that is being carried out, when an errand will answer it.
    asked: Option<errand::Asked>,
    epoll: OwnedFd,
    signals: signals::Signals,
    journal: &'static journal::Journal,
    tree: cgroup::Tree,
    /// The leaf that limen-jail lives in, whether it stays or does an errand.
    workroom: cgroup::Group,
    jail: jail::Jail,
    /// Of the last directory with a bundle's sockets.
    number: u64,
    /// What is removed when there is nothing else to do.
    limbo: limbo::Limbo,
    /// The management port.
    port: Option<OwnedFd>,
    watchdog: Option<watchdog::Watchdog>,
    first_process: bool,
    /// Time of the first instruction, microseconds.
    first: u64,
    /// Time of this turn, milliseconds.
    now: u64,
    /// More children have ended than one turn reaps.
    more_children: bool,
    /// The end: reboot, or not.
    finish: Option<bool>,
}
