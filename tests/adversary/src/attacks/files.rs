//! Files of others: neighbours' volumes, the box, the way out of the root

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use super::{ABSENT, DENIED};
use crate::attempt::{Attack, Failure, Outcome, each, refused, setup};
use crate::sys::{self, call};
use crate::world::World;

/// Where others keep things, on the box's own tree.
const OTHERS: &[&str] = &[
    "/data/limen",
    "/data/limen/state",
    "/data/limen/tenant",
    "/data/limen/tenant/0/volumes",
    "/data/limen/tenant/1/volumes",
    "/data/limen/tenant/2/volumes",
    "/run/limen/bundle",
    "/run/limen/bundle/1-0/broker",
    "/run/limen/bundle/1-1/broker",
    "/usr/lib/limen",
    "/sys/fs/cgroup",
];

pub(crate) const ATTACKS: &[Attack] = &[
    Attack {
        id: "A-03",
        what: "open what is a neighbour's, by its path on the box",
        walls: ABSENT,
        attempt: |_| each(OTHERS, ABSENT, open),
    },
    Attack {
        id: "A-03",
        what: "the same, through many ..",
        walls: ABSENT,
        attempt: |_| {
            each(OTHERS, ABSENT, |path| {
                open(format!("{}{path}", "/..".repeat(20)))
            })
        },
    },
    Attack {
        id: "A-03",
        what: "the same, through a symbolic link of one's own",
        walls: ABSENT,
        attempt: through_link,
    },
    Attack {
        id: "A-03",
        what: "hard link from the system files into the own volume",
        walls: ABSENT,
        attempt: hard_link,
    },
    Attack {
        id: "A-04",
        what: "root of process 1",
        walls: ABSENT,
        attempt: |_| open("/proc/1/root/"),
    },
    Attack {
        id: "A-04",
        what: "working folder of process 1",
        walls: ABSENT,
        attempt: |_| open("/proc/1/cwd/"),
    },
    Attack {
        id: "A-04",
        what: "descriptors of process 1",
        walls: ABSENT,
        attempt: |_| {
            fs::read_dir("/proc/1/fd")
                .map(drop)
                .map_err(|error| refused(&error))
        },
    },
    Attack {
        id: "A-05",
        what: "another root inside the root",
        walls: DENIED,
        attempt: |_| {
            let path = sys::text("/");
            call(libc::SYS_chroot, &[sys::address(&path)]).map(drop)
        },
    },
    Attack {
        id: "A-06",
        what: "open by file handle, inode 2",
        walls: DENIED,
        attempt: by_handle,
    },
    Attack {
        id: "A-07",
        what: "write where the system lies",
        walls: ABSENT,
        attempt: |_| {
            let folders = [
                "/",
                "/bin",
                "/etc",
                "/lib",
                "/usr",
                "/proc",
                "/sys",
                "/dev",
                "/run",
                "/run/limen",
                "/var",
                "/root",
            ];
            each(folders, ABSENT, |folder| {
                let path = format!("{folder}/adversary");
                File::create(path)
                    .map(drop)
                    .map_err(|error| refused(&error))
            })
        },
    },
    Attack {
        id: "A-11",
        what: "write the kernel's switches",
        walls: ABSENT,
        attempt: |_| {
            let switches = [
                "/proc/sysrq-trigger",
                "/proc/sys/kernel/core_pattern",
                "/proc/sys/kernel/modprobe",
                "/proc/sys/net/ipv4/ip_forward",
                "/proc/sys/vm/memfd_noexec",
                "/sys/kernel/uevent_helper",
            ];
            each(switches, ABSENT, |path| {
                let opened = OpenOptions::new().write(true).open(path);
                opened.map(drop).map_err(|error| refused(&error))
            })
        },
    },
    Attack {
        id: "A-11",
        what: "read the kernel's memory and secrets",
        walls: ABSENT,
        attempt: |_| {
            let secrets = [
                "/proc/kcore",
                "/proc/kmsg",
                "/proc/kallsyms",
                "/proc/keys",
                "/proc/slabinfo",
                "/sys/kernel/debug",
                "/dev/kmsg",
            ];
            each(secrets, ABSENT, open)
        },
    },
    Attack {
        id: "A-12",
        what: "write the own program",
        walls: &[libc::EROFS, libc::EACCES, libc::EPERM],
        attempt: |_| overwrite("/proc/self/exe"),
    },
    Attack {
        id: "A-12",
        what: "write the program of process 1",
        walls: ABSENT,
        attempt: |_| overwrite("/proc/1/exe"),
    },
    Attack {
        id: "A-17",
        what: "write any file that is not one's own: a policy, a manifest, a filter",
        walls: ABSENT,
        attempt: any_file,
    },
    Attack {
        id: "A-19",
        what: "make and change control groups",
        walls: ABSENT,
        attempt: |_| {
            let folders = ["/sys/fs/cgroup/adversary", "/sys/fs/cgroup/limen/adversary"];
            each(folders, ABSENT, |folder| {
                fs::create_dir(folder).map_err(|error| refused(&error))
            })
        },
    },
];

fn open(path: impl AsRef<std::path::Path>) -> Outcome {
    File::open(path).map(drop).map_err(|error| refused(&error))
}

fn overwrite(path: impl AsRef<std::path::Path>) -> Outcome {
    let opened = OpenOptions::new().write(true).open(path);
    opened.map(drop).map_err(|error| refused(&error))
}

fn through_link(world: &World) -> Outcome {
    let link = world.own("link").ok_or(Failure::Setup(libc::ENOENT))?;
    each(OTHERS, ABSENT, |path| {
        let _ = fs::remove_file(&link);
        symlink(path, &link).map_err(|error| setup(&error))?;
        let outcome = open(&link);
        fs::remove_file(&link).map_err(|error| setup(&error))?;
        outcome
    })
}

fn hard_link(world: &World) -> Outcome {
    let link = world.own("hard").ok_or(Failure::Setup(libc::ENOENT))?;
    let program = std::env::current_exe().map_err(|error| setup(&error))?;
    let outcome = fs::hard_link(program, &link).map_err(|error| refused(&error));
    let _ = fs::remove_file(&link);
    outcome
}

fn by_handle(world: &World) -> Outcome {
    let folder = world.own.as_ref().ok_or(Failure::Setup(libc::ENOENT))?;
    let folder = File::open(folder).map_err(|error| setup(&error))?;
    // struct file_handle: 8 bytes of type 1, inode and generation.
    let handle: [u32; 4] = [8, 1, 2, 0];
    let address = (&raw const handle) as usize;
    call(
        libc::SYS_open_by_handle_at,
        &[sys::number(&folder), address, 0],
    )
    .map(drop)
}

/// Everything that can be listed, from the top.
fn any_file(world: &World) -> Outcome {
    let own = ["/proc", "/dev", "/tmp"].map(PathBuf::from);
    let own: Vec<_> = own.into_iter().chain(world.own.clone()).collect();
    let mut folders = vec![PathBuf::from("/")];
    let mut tried = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && !own.contains(&path) => folders.push(path),
                Ok(kind) if kind.is_file() => {
                    tried += 1;
                    match overwrite(&path) {
                        Err(Failure::Refused(errno)) if ABSENT.contains(&errno) => {}
                        other => return other,
                    }
                }
                _ => {}
            }
        }
    }
    // The own program at least was there to be tried.
    Err(match tried {
        0 => Failure::Setup(libc::ENOENT),
        _ => Failure::Refused(libc::EROFS),
    })
}
