//! Attributes of mounts: taken away from outside while the program waits, and then it attacks
//!
//! The attributes are set by a call on a mount that nobody can see yet, and `/dev` needs the same call to
//! have devices at all; so it cannot be left out. The walk is root of the box: it enters the program's
//! mount namespace and mounts again. Landlock is a second layer: each alone must hold.

use std::fs::File;

use limen_proto::id::Slot;
use rustix::mount::{MountFlags, mount_remount};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space};

use crate::bundle::{run_bundle_while, spec};
use crate::expect;
use crate::knock_outs::{LANDLOCK, SKIPPED, text};
use crate::vgw::Vgw;

/// A mount, and what its attributes keep off.
struct Mount {
    name: &'static str,
    point: &'static str,
    attack: &'static str,
    success: &'static str,
}

const MOUNTS: &[Mount] = &[
    Mount {
        name: "no execution of what was written (A-20)",
        point: "/var/lib/data",
        attack: "cp /bin/busybox /var/lib/data/echo; sleep 1; /var/lib/data/echo RAN",
        success: "RAN",
    },
    Mount {
        name: "read-only program (A-07)",
        point: "/etc",
        attack: "sleep 1; echo written > /etc/everybody; cat /etc/everybody",
        success: "written",
    },
];

/// Both layers, each alone, none.
pub(crate) fn remounts(slot: Slot, vgw: &Vgw) {
    for mount in MOUNTS {
        for (how, loosened, landlocked) in [
            ("whole", false, true),
            ("without attributes", true, true),
            ("without Landlock", false, false),
            ("without both", true, false),
        ] {
            if !landlocked {
                *SKIPPED.lock().unwrap() = text(&LANDLOCK);
            }
            let name = format!("{} {how}", mount.name);
            let attacker = spec(slot, mount.attack);
            let (said, failed) = run_bundle_while(slot, vgw, &name, &attacker, |pid| {
                if loosened {
                    loosen(pid, mount.point);
                }
            });
            SKIPPED.lock().unwrap().clear();
            let succeeds = failed.is_none() && said.contains(mount.success);
            let expected = loosened && !landlocked;
            let what = format!("{name}: the attack succeeds {expected}");
            let ran = failed.is_none();
            expect(&what, ran && succeeds == expected, &(failed, said));
        }
    }
}

/// Leaves a mount of a process nothing but nosuid and nodev.
fn loosen(pid: u32, point: &str) {
    let namespace = File::open(format!("/proc/{pid}/ns/mnt")).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            alone();
            let mounts = Some(LinkNameSpaceType::Mount);
            move_into_link_name_space(std::os::fd::AsFd::as_fd(&namespace), mounts).unwrap();
            let flags = MountFlags::BIND | MountFlags::NOSUID | MountFlags::NODEV;
            mount_remount(point, flags, c"").unwrap();
        });
    });
}

/// A thread that shares its root with others cannot change its mount namespace.
#[expect(
    deprecated,
    reason = "safe as long as CLONE_FILES is not among the flags, and there is no other safe one"
)]
fn alone() {
    rustix::thread::unshare(UnshareFlags::FS).unwrap();
}
