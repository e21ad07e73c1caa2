//! Devices: making nodes and opening those of the box

use std::fs::OpenOptions;

use super::{ABSENT, DENIED};
use crate::attempt::{Attack, Failure, Outcome, each, refused};
use crate::sys::{self, call};
use crate::world::World;

pub(crate) const ATTACKS: &[Attack] = &[
    Attack {
        id: "A-10",
        what: "make the node of a disk",
        walls: DENIED,
        attempt: |world| make_node(world, libc::S_IFBLK, 254 << 8),
    },
    Attack {
        id: "A-10",
        what: "make the node of the machine's memory",
        walls: DENIED,
        attempt: |world| make_node(world, libc::S_IFCHR, (1 << 8) | 1),
    },
    Attack {
        id: "A-10",
        what: "open the box's devices",
        walls: ABSENT,
        attempt: |_| {
            let nodes = [
                "/dev/vda",
                "/dev/vdb",
                "/dev/mem",
                "/dev/kmem",
                "/dev/port",
                "/dev/net/tun",
                "/dev/kvm",
                "/dev/fuse",
                "/dev/loop0",
                "/dev/loop-control",
                "/dev/watchdog",
                "/dev/console",
                "/dev/ttyAMA0",
                "/dev/ttyS0",
                "/dev/mtd0",
                "/dev/dm-0",
            ];
            each(nodes, ABSENT, |node| {
                let opened = OpenOptions::new().read(true).write(true).open(node);
                opened.map(drop).map_err(|error| refused(&error))
            })
        },
    },
    Attack {
        id: "B-05",
        what: "open the controlling terminal",
        walls: ABSENT,
        attempt: |_| {
            let opened = OpenOptions::new().write(true).open("/dev/tty");
            opened.map(drop).map_err(|error| refused(&error))
        },
    },
    Attack {
        id: "B-05",
        what: "type into a terminal: TIOCSTI, TIOCLINUX",
        walls: DENIED,
        attempt: |_| {
            each([0x5412, 0x541C], DENIED, |request| {
                let letter = b'x';
                let address = (&raw const letter) as usize;
                call(libc::SYS_ioctl, &[0, request, address]).map(drop)
            })
        },
    },
];

fn make_node(world: &World, kind: libc::mode_t, device: usize) -> Outcome {
    let path = world.own("node").ok_or(Failure::Setup(libc::ENOENT))?;
    let name = sys::text(&path);
    let mode = usize::try_from(kind | 0o600).unwrap_or(0);
    let at = libc::AT_FDCWD as usize;
    let made = call(libc::SYS_mknodat, &[at, sys::address(&name), mode, device]);
    let _ = std::fs::remove_file(&path);
    made.map(drop)
}
