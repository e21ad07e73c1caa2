//! Namespaces: new ones, and those of others

use std::fs::File;

use super::{ABSENT, DENIED};
use crate::attempt::{Attack, Failure, Outcome, each, refused};
use crate::sys::{self, call};
use crate::world::World;

/// Mount, cgroup, uts, ipc, user, pid, net, time.
const KINDS: [usize; 8] = [
    0x0002_0000,
    0x0200_0000,
    0x0400_0000,
    0x0800_0000,
    0x1000_0000,
    0x2000_0000,
    0x4000_0000,
    0x80,
];
const NEW_USER: u64 = 0x1000_0000;
const CLONE3: libc::c_long = 435;

pub(crate) const ATTACKS: &[Attack] = &[
    Attack {
        id: "A-09",
        what: "unshare each kind of namespace",
        walls: DENIED,
        attempt: |_| {
            each(KINDS, DENIED, |kind| {
                call(libc::SYS_unshare, &[kind]).map(drop)
            })
        },
    },
    Attack {
        id: "A-09",
        what: "clone into each kind of namespace",
        walls: DENIED,
        // The time namespace's bit means something else to clone(2).
        attempt: |_| each(KINDS.into_iter().take(7), DENIED, clone),
    },
    Attack {
        id: "A-09",
        what: "clone3 with a user namespace: its flags cannot be filtered, so it must be absent",
        walls: &[libc::ENOSYS],
        attempt: clone3,
    },
    Attack {
        id: "A-09",
        what: "enter the namespaces of process 1",
        walls: ABSENT,
        attempt: |_| {
            let kinds = ["mnt", "pid", "net", "user", "ipc", "uts", "cgroup"];
            each(kinds, ABSENT, |kind| {
                let path = format!("/proc/1/ns/{kind}");
                let namespace = File::open(path).map_err(|error| refused(&error))?;
                call(libc::SYS_setns, &[sys::number(&namespace), 0]).map(drop)
            })
        },
    },
    Attack {
        id: "A-09",
        what: "enter the own namespaces anew",
        walls: ABSENT,
        attempt: |_| {
            each(["mnt", "net", "user"], ABSENT, |kind| {
                let path = format!("/proc/self/ns/{kind}");
                let namespace = File::open(path).map_err(|error| refused(&error))?;
                call(libc::SYS_setns, &[sys::number(&namespace), 0]).map(drop)
            })
        },
    },
];

/// A child of a raw clone returns here too; it is told by the 0 and ends at once.
fn clone(kind: usize) -> Outcome {
    let end_signal = usize::try_from(libc::SIGCHLD).unwrap_or(0);
    match call(libc::SYS_clone, &[kind | end_signal])? {
        0 => std::process::exit(0),
        _ => Ok(()),
    }
}

fn clone3(_: &World) -> Outcome {
    // struct clone_args, version 0: flags, pidfd, child_tid, parent_tid, exit_signal, …
    let mut arguments = [0u64; 8];
    arguments[0] = NEW_USER;
    arguments[4] = u64::try_from(libc::SIGCHLD).map_err(|_| Failure::Setup(libc::EINVAL))?;
    let address = (&raw const arguments) as usize;
    match call(CLONE3, &[address, size_of_val(&arguments)])? {
        0 => std::process::exit(0),
        _ => Ok(()),
    }
}
