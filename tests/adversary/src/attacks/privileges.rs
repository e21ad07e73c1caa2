//! Rights that the bundle was not given: identity, priorities, limits

use super::DENIED;
use crate::attempt::{Attack, Failure, Outcome, refused, setup};
use crate::sys::{self, call};
use crate::world::World;

pub(crate) const ATTACKS: &[Attack] = &[
    Attack {
        id: "A-02",
        what: "become root",
        walls: DENIED,
        attempt: |_| call(libc::SYS_setresuid, &[0, 0, 0]).map(drop),
    },
    Attack {
        id: "A-02",
        what: "join group 0",
        walls: DENIED,
        attempt: |_| call(libc::SYS_setgroups, &[1, (&raw const ZERO) as usize]).map(drop),
    },
    Attack {
        id: "A-02",
        what: "take every capability",
        walls: DENIED,
        attempt: take_capabilities,
    },
    Attack {
        id: "A-02",
        what: "execute an own file with a setuid bit of root",
        walls: DENIED,
        attempt: own_setuid_file,
    },
    Attack {
        id: "B-04",
        what: "real-time priority",
        walls: DENIED,
        attempt: |_| {
            let priority = 50i32;
            let address = (&raw const priority) as usize;
            call(libc::SYS_sched_setscheduler, &[0, 1, address]).map(drop)
        },
    },
    Attack {
        id: "B-04",
        what: "nice -20",
        walls: DENIED,
        attempt: |_| call(libc::SYS_setpriority, &[0, 0, 20usize.wrapping_neg()]).map(drop),
    },
    Attack {
        id: "B-04",
        what: "real-time class of input and output",
        walls: DENIED,
        attempt: |_| call(libc::SYS_ioprio_set, &[1, 0, 1 << 13]).map(drop),
    },
    Attack {
        id: "B-04",
        what: "lock 64 MiB of memory",
        walls: &[libc::EPERM, libc::EACCES, libc::ENOSYS, libc::ENOMEM],
        attempt: lock_memory,
    },
    Attack {
        id: "B-04",
        what: "raise the limit of real-time priority",
        walls: DENIED,
        attempt: |_| {
            let limit = [50u64, 50];
            let address = (&raw const limit) as usize;
            call(libc::SYS_prlimit64, &[0, 14, address, 0]).map(drop)
        },
    },
    Attack {
        id: "B-04",
        what: "be the last one that is killed for want of memory",
        walls: super::ABSENT,
        attempt: |_| {
            std::fs::write("/proc/self/oom_score_adj", "-999").map_err(|error| refused(&error))
        },
    },
    Attack {
        id: "B-08",
        what: "switch address randomisation off",
        walls: DENIED,
        attempt: |_| call(libc::SYS_personality, &[0x0004_0000]).map(drop),
    },
];

static ZERO: u32 = 0;

fn take_capabilities(_: &World) -> Outcome {
    let header: [u32; 2] = [0x2008_0522, 0];
    let data: [u32; 6] = [u32::MAX; 6];
    let (header, data) = ((&raw const header) as usize, (&raw const data) as usize);
    call(libc::SYS_capset, &[header, data]).map(drop)
}

/// A file of one's own can get the bit; it would have to belong to root to be of use.
fn own_setuid_file(world: &World) -> Outcome {
    let path = world.own("setuid").ok_or(Failure::Setup(libc::ENOENT))?;
    std::fs::write(&path, "#!").map_err(|error| setup(&error))?;
    let name = sys::text(&path);
    let at = libc::AT_FDCWD as usize;
    let owner = call(libc::SYS_fchownat, &[at, sys::address(&name), 0, 0, 0]);
    // Nothing is left for a later attempt, whatever came of this one.
    let _ = std::fs::remove_file(&path);
    owner.map(drop)
}

fn lock_memory(_: &World) -> Outcome {
    const SIZE: usize = 64 << 20;
    let (read_write, private_anonymous) = (3, 0x22);
    let none = usize::MAX;
    // Not mlock: on some kernels the limit is looked at only when the pages are there.
    let number = MAP;
    let start =
        call(number, &[0, SIZE, read_write, private_anonymous, none, 0]).map_err(|failure| {
            match failure {
                Failure::Refused(errno) | Failure::Setup(errno) => Failure::Setup(errno),
            }
        })?;
    call(libc::SYS_mlock, &[start, SIZE]).map(drop)
}

/// mmap with an offset in bytes, or in pages where the machine has only that.
#[cfg(target_arch = "arm")]
pub(crate) const MAP: libc::c_long = libc::SYS_mmap2;
/// mmap with an offset in bytes, or in pages where the machine has only that.
#[cfg(not(target_arch = "arm"))]
pub(crate) const MAP: libc::c_long = libc::SYS_mmap;
