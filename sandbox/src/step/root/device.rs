//! `/dev`: nodes of our own making, never the box's directory

use std::os::fd::AsFd;

use limen_proto::table::DeviceClass;
use rustix::fs::{AtFlags, FileType, Gid, Mode, Uid, makedev};

use super::bind::clone_tree;
use super::{Root, STEP};
use crate::fault::{At, Fault};
use crate::sys::mount::{Attributes, set_attributes};

/// Name, major, minor: what any program may expect (`Documentation/admin-guide/devices.txt`).
const NODES: [(&str, u32, u32); 5] = [
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
];

/// Names under which programs look for their own descriptors.
const LINKS: [(&str, &str); 4] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
];

impl Root {
    /// Makes `/dev` with the ordinary nodes and, owned by `owner` (an outer id), those of the
    /// device classes. mknod inside is refused whatever the capabilities.
    pub(crate) fn devices(&self, classes: &[DeviceClass], owner: u32) -> Result<(), Fault> {
        let directory = self.directory("/dev")?;
        // The mask would take away what everybody may do with these.
        let mask = rustix::process::umask(Mode::empty());
        let node = |name: &str, major, minor, mode| {
            let mode = Mode::from_raw_mode(mode);
            let device = makedev(major, minor);
            rustix::fs::mknodat(&directory, name, FileType::CharacterDevice, mode, device).at(
                STEP,
                "make device",
                name,
            )
        };
        for (name, major, minor) in NODES {
            node(name, major, minor, 0o666)?;
        }
        for class in classes {
            node(&class.node, class.major, class.minor, 0o600)?;
            let (user, group) = (Uid::from_raw(owner), Gid::from_raw(owner));
            let flags = AtFlags::SYMLINK_NOFOLLOW;
            rustix::fs::chownat(
                &directory,
                class.node.as_str(),
                Some(user),
                Some(group),
                flags,
            )
            .at(STEP, "give device to the unit", &class.node)?;
        }
        for (name, target) in LINKS {
            rustix::fs::symlinkat(target, &directory, name).at(STEP, "link", name)?;
        }
        rustix::process::umask(mask);
        // On a mount of their own: the root's allows no devices.
        let mount = clone_tree(directory.as_fd(), "/dev")?;
        let sealed = Attributes::READ_ONLY
            .and(Attributes::NO_SET_UID)
            .and(Attributes::NO_EXECUTION);
        set_attributes(mount.as_fd(), sealed).at(STEP, "protect", "/dev")?;
        self.put(mount.as_fd(), directory.as_fd(), "/dev")
    }
}
