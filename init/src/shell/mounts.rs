//! The mounts that PID 1 needs, where the early stage has not made them
//!
//! `/proc`, `/sys`, `/dev`, `/run` and the cgroup tree. A mount that is there is left as it is. An
//! ordinary process mounts nothing: its host has.

use core::ffi::CStr;

use rustix::fs::{Mode, statfs};
use rustix::io::Errno;
use rustix::mount::{MountFlags, mount};

use super::journal::{Journal, Level};

/// One mount: kind, place, the kernel's mark of the kind, options.
struct Mount {
    kind: &'static str,
    target: &'static str,
    /// `linux/magic.h`
    mark: u64,
    flags: MountFlags,
    options: &'static CStr,
}

const SEALED: MountFlags = MountFlags::NOSUID
    .union(MountFlags::NODEV)
    .union(MountFlags::NOEXEC);

const MOUNTS: &[Mount] = &[
    Mount {
        kind: "proc",
        target: "/proc",
        mark: 0x9fa0,
        flags: SEALED,
        options: c"",
    },
    Mount {
        kind: "sysfs",
        target: "/sys",
        mark: 0x6265_6572,
        flags: SEALED,
        options: c"",
    },
    Mount {
        kind: "devtmpfs",
        target: "/dev",
        // devtmpfs shows the mark of tmpfs.
        mark: 0x0102_1994,
        flags: MountFlags::NOSUID.union(MountFlags::NOEXEC),
        options: c"mode=0755",
    },
    Mount {
        kind: "tmpfs",
        target: "/run",
        mark: 0x0102_1994,
        flags: SEALED,
        options: c"mode=0755,size=10%",
    },
    Mount {
        kind: "cgroup2",
        target: "/sys/fs/cgroup",
        mark: 0x6367_7270,
        flags: SEALED,
        // Not favordynmods: it makes writes to cgroup.procs fast, and no task is ever moved here; it
        // makes every fork slower, and this mount wait for 18 ms.
        options: c"",
    },
];

/// Makes what is missing. A failure is reported and what needs it will fail by name.
pub(super) fn make(journal: &Journal) {
    for one in MOUNTS {
        if let Err(errno) = one.make() {
            journal.log(
                Level::Error,
                format_args!(
                    "mount {} on {}: {errno}; the kernel must have it built in, and the image the directory",
                    one.kind, one.target
                ),
            );
        }
    }
}

impl Mount {
    fn make(&self) -> Result<(), Errno> {
        if statfs(self.target).is_ok_and(|there| mark(there.f_type) == self.mark) {
            return Ok(());
        }
        let options = Some(self.options);
        mount(self.kind, self.target, self.kind, self.flags, options)
    }
}

/// The type of `f_type` differs from one processor to the next; the marks have 32 bits everywhere.
#[allow(
    clippy::cast_sign_loss,
    clippy::cast_lossless,
    clippy::unnecessary_cast,
    reason = "see above"
)]
fn mark(kind: rustix::fs::FsWord) -> u64 {
    kind as u64 & 0xffff_ffff
}

/// Directories that init and the jail put sockets and notes into.
pub(super) fn make_run_directories() -> Result<(), Errno> {
    for (path, mode) in [
        ("/run/limen", 0o755),
        ("/run/limen/bundle", 0o711),
        ("/run/limen/notes", 0o755),
    ] {
        match rustix::fs::mkdir(path, Mode::from_raw_mode(mode)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
