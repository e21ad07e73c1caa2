//! The real root: its mounts, and the move onto it
//!
//! `pivot_root` refuses to leave an initramfs (EINVAL on every kernel), so the new root is moved onto
//! `/` and entered with `chroot`; afterwards `pivot_root` works in every mount namespace made later,
//! which limen-jail relies on.

use std::convert::Infallible;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::mount::{MountFlags, mount, mount_move};

use crate::disk;
use crate::fault::Fault;
use crate::module::Missing;

/// Where the real root is assembled.
pub(crate) const NEW_ROOT: &str = "/newroot";
/// The first program of the real root.
pub(crate) const INIT: &str = "/usr/lib/limen/bin/limen-init";
/// Serial or partition name of the system image's disk.
const SYSTEM: &str = "limen-system";

/// `/proc`, `/sys` and `/dev` of the initramfs; they move along to the real root.
pub(crate) fn mount_pseudo() -> Result<(), Fault> {
    let sealed = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    let device = MountFlags::NOSUID | MountFlags::NOEXEC;
    for (kind, target, flags, options) in [
        ("proc", "/proc", sealed, c""),
        ("sysfs", "/sys", sealed, c""),
        ("devtmpfs", "/dev", device, c"mode=0755"),
    ] {
        mount(kind, target, kind, flags, Some(options)).map_err(|errno| {
            Fault::new("mount on", target, errno)
                .remedy("the kernel must have this file system built in")
        })?;
    }
    Ok(())
}

/// The system image, read-only, as the new root.
pub(crate) fn mount_system(missing: &Missing) -> Result<(), Fault> {
    let node = disk::wait_for(SYSTEM).ok_or_else(|| {
        Fault::without_errno("find", format!("disk {SYSTEM}")).remedy(format!(
            "disks present: {}; modules that did not load: {}; attach the system image with that serial",
            disk::present(),
            if missing.is_empty() { "none".to_owned() } else { missing.join(", ") },
        ))
    })?;
    let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV;
    mount(&node, NEW_ROOT, "squashfs", flags, None).map_err(|errno| {
        Fault::new("mount system image", node.display().to_string(), errno).remedy(
            "the image is damaged or of another kind than squashfs: build or flash it again",
        )
    })
}

/// `/run` of the new root: sockets and notes, gone with the power.
pub(crate) fn mount_run() -> Result<(), Fault> {
    let target = format!("{NEW_ROOT}/run");
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount(
        "tmpfs",
        &target,
        "tmpfs",
        flags,
        Some(c"mode=0755,size=10%"),
    )
    .map_err(|errno| Fault::new("mount tmpfs on", target, errno))
}

/// Moves the pseudo file systems and then the new root onto `/`.
pub(crate) fn enter() -> Result<(), Fault> {
    for name in ["dev", "proc", "sys"] {
        let target = format!("{NEW_ROOT}/{name}");
        mount_move(format!("/{name}"), &target).map_err(|errno| {
            Fault::new("move mount to", target, errno)
                .remedy("the system image lacks this mount point")
        })?;
    }
    // The archive's memory; what cannot be removed is only memory lost.
    for leftover in ["/init", "/modules.list"] {
        let _ = fs::remove_file(leftover);
    }
    let _ = fs::remove_dir_all("/modules");
    rustix::process::chdir(NEW_ROOT)
        .and_then(|()| mount_move(".", "/"))
        .and_then(|()| rustix::process::chroot("."))
        .and_then(|()| rustix::process::chdir("/"))
        .map_err(|errno| Fault::new("move root to", NEW_ROOT, errno))
}

/// Becomes limen-init, with the console on 0, 1, 2 and an empty environment.
///
/// Empty, because the kernel turns every word of its command line that it does not know into a
/// variable or an argument, and the command line is not ours alone.
pub(crate) fn start_init() -> Result<Infallible, Fault> {
    let error = Command::new(INIT).env_clear().exec();
    Err(Fault::io("start", INIT, &error)
        .remedy("the system image lacks it, or it is built for another processor"))
}
