//! Mounts: every way to make, change or leave one

use super::DENIED;
use crate::attempt::{Attack, Outcome, each};
use crate::sys::{self, call};
use crate::world::World;

/// Numbers that are the same on every machine.
const OPEN_TREE: libc::c_long = 428;
const MOVE_MOUNT: libc::c_long = 429;
const FSOPEN: libc::c_long = 430;
const FSMOUNT: libc::c_long = 432;
const FSPICK: libc::c_long = 433;
const MOUNT_SETATTR: libc::c_long = 442;

pub(crate) const ATTACKS: &[Attack] = &[
    Attack {
        id: "A-08",
        what: "mount a new file system",
        walls: DENIED,
        attempt: |_| {
            let kinds = ["tmpfs", "proc", "sysfs", "cgroup2", "overlay", "devpts"];
            each(kinds, DENIED, |kind| mount(kind, "/tmp", kind, 0))
        },
    },
    Attack {
        id: "A-08",
        what: "bind one folder over another",
        walls: DENIED,
        attempt: |_| mount("/", "/tmp", "none", libc::MS_BIND),
    },
    Attack {
        id: "A-08",
        what: "remount the root writable",
        walls: DENIED,
        attempt: |_| mount("none", "/", "none", libc::MS_REMOUNT | libc::MS_BIND),
    },
    Attack {
        id: "A-08",
        what: "unmount /proc and the volume",
        walls: DENIED,
        attempt: |_| {
            each(["/proc", "/data", "/tmp", "/"], DENIED, |path| {
                let path = sys::text(path);
                call(libc::SYS_umount2, &[sys::address(&path), 2]).map(drop)
            })
        },
    },
    Attack {
        id: "A-08",
        what: "the newer calls: fsopen, fsmount, fspick, open_tree, move_mount, mount_setattr",
        walls: DENIED,
        attempt: newer_calls,
    },
    Attack {
        id: "A-08",
        what: "pivot_root",
        walls: DENIED,
        attempt: |_| {
            let path = sys::text(".");
            let path = sys::address(&path);
            call(libc::SYS_pivot_root, &[path, path]).map(drop)
        },
    },
    Attack {
        id: "A-19",
        what: "mount the control-group hierarchy",
        walls: DENIED,
        attempt: |_| mount("cgroup2", "/tmp", "cgroup2", 0),
    },
];

fn mount(source: &str, target: &str, kind: &str, flags: libc::c_ulong) -> Outcome {
    let (source, target, kind) = (sys::text(source), sys::text(target), sys::text(kind));
    let flags = usize::try_from(flags).unwrap_or(0);
    let arguments = [
        sys::address(&source),
        sys::address(&target),
        sys::address(&kind),
        flags,
        0,
    ];
    call(libc::SYS_mount, &arguments).map(drop)
}

fn newer_calls(_: &World) -> Outcome {
    let (tmpfs, root) = (sys::text("tmpfs"), sys::text("/"));
    let (tmpfs, root) = (sys::address(&tmpfs), sys::address(&root));
    let at = libc::AT_FDCWD as usize;
    let attempts: [(libc::c_long, [usize; 5]); 6] = [
        (FSOPEN, [tmpfs, 0, 0, 0, 0]),
        (FSMOUNT, [0, 0, 0, 0, 0]),
        (FSPICK, [at, root, 0, 0, 0]),
        (OPEN_TREE, [at, root, 1, 0, 0]),
        (MOVE_MOUNT, [at, root, at, root, 0]),
        (MOUNT_SETATTR, [at, root, 0, 0, 0]),
    ];
    each(attempts, DENIED, |(number, arguments)| {
        call(number, &arguments).map(drop)
    })
}
