//! The data disk: mounted with project quotas, or an empty stand-in and a note
//!
//! `/data` is the only thing on the box that outlives a power cut. Mounting replays the journal; that
//! is all the repair there is. When the disk cannot be mounted, the box must still boot into something
//! that can say so: `/data` is then an empty tmpfs, and the note tells the steward why.

use std::fmt;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;

use rustix::io::Errno;
use rustix::mount::MountFlags;

use crate::console;
use crate::disk;
use crate::fault::Fault;
use crate::module::Missing;

/// Serial or partition name of the data disk.
const NAME: &str = "limen-data";
/// Folder for the steward, below the new root; there on every boot, so that it can be bound.
const NOTES: &str = "run/limen/notes";
/// In it; exists only when the data disk was lost. Its text is the reason.
const LOST: &str = "data-lost";
/// Uid and gid of the steward, as in `images/units.toml`.
const STEWARD: u32 = 900;
/// Folders that the builder puts on every data disk, for the stand-in: path, owner, permissions.
const LAYOUT: [(&str, u32, u32); 4] = [
    ("limen", 0, 0o755),
    ("limen/provision", STEWARD, 0o700),
    ("limen/state", STEWARD, 0o700),
    ("limen/tenant", 0, 0o711),
];

/// What lies behind `/data` now.
pub(crate) enum Data {
    /// The disk, with project quotas in force.
    Disk,
    /// An empty tmpfs, because of `reason`.
    Lost {
        /// Why the disk is not there, for people.
        reason: String,
    },
}

impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk => f.write_str("data disk mounted with project quotas"),
            Self::Lost { .. } => f.write_str("data disk LOST, /data is empty memory"),
        }
    }
}

/// Mounts the data disk below `root`, or the stand-in.
pub(crate) fn mount(root: &str, missing: &Missing) -> Result<Data, Fault> {
    let target = format!("{root}/data");
    let reason = match disk::wait_for(NAME) {
        None => format!("no disk named {NAME}; disks present: {}", disk::present()),
        Some(node) => match mount_disk(&node, &target) {
            Ok(()) => return Ok(Data::Disk),
            Err(errno) => format!(
                "mounting {} failed: {errno} ({})",
                node.display(),
                explain(errno, missing)
            ),
        },
    };
    console::error(&format!(
        "{reason}; booting with an empty /data in memory: what is changed now is lost"
    ));
    mount_stand_in(&target)?;
    Ok(Data::Lost { reason })
}

/// Tells the steward, below `/run`, which must be mounted.
pub(crate) fn leave_note(root: &str, data: &Data) -> Result<(), Fault> {
    let notes = Path::new(root).join(NOTES);
    fs::create_dir_all(&notes).map_err(|error| Fault::io("create", NOTES, &error))?;
    match data {
        Data::Disk => Ok(()),
        Data::Lost { reason } => fs::write(notes.join(LOST), format!("{reason}\n"))
            .map_err(|error| Fault::io("write", LOST, &error)),
    }
}

fn mount_disk(node: &Path, target: &str) -> Result<(), Errno> {
    // noatime: reading must not write to flash. usrquota does nothing on a disk that was made without
    // the quota of users, and is no reason not to mount it: limen-jail looks at what is in force.
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOATIME;
    rustix::mount::mount(node, target, "ext4", flags, Some(c"usrquota,prjquota"))
}

fn mount_stand_in(target: &str) -> Result<(), Fault> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    rustix::mount::mount("tmpfs", target, "tmpfs", flags, Some(c"mode=0755,size=25%"))
        .map_err(|errno| Fault::new("mount tmpfs on", target, errno))?;
    for (name, owner, permissions) in LAYOUT {
        let folder = Path::new(target).join(name);
        fs::create_dir(&folder)
            .and_then(|()| fs::set_permissions(&folder, fs::Permissions::from_mode(permissions)))
            .and_then(|()| chown(&folder, Some(owner), Some(owner)))
            .map_err(|error| Fault::io("create", folder.display().to_string(), &error))?;
    }
    Ok(())
}

/// What the kernel means by an error of this mount.
fn explain(errno: Errno, missing: &Missing) -> String {
    let meaning = match errno {
        // The file system has a quota file whose format has no handler: nothing about the disk.
        Errno::SRCH => {
            "ESRCH here means that the module quota_v2 is not loaded: add it to the image"
        }
        Errno::NODEV => "the kernel has no ext4: add the module to the image",
        Errno::INVAL => {
            "not an ext4 file system, or one without the project and quota features: restore it from a backup or format it anew"
        }
        Errno::UCLEAN | Errno::BADMSG | Errno::IO => {
            "the file system or the disk is damaged: run e2fsck on it from another system"
        }
        _ => "see the kernel log",
    };
    if missing.is_empty() {
        meaning.to_owned()
    } else {
        format!(
            "{meaning}; modules that did not load: {}",
            missing.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::explain;
    use rustix::io::Errno;

    #[test]
    fn a_missing_quota_module_is_named() {
        let text = explain(Errno::SRCH, &vec!["quota_v2.ko".to_owned()]);
        assert!(
            text.contains("quota_v2") && text.contains("did not load"),
            "{text}"
        );
    }
}
