//! Processes of others: seeing, signalling, reading, steering them

use std::fs::{self, File};

use super::ABSENT;
use crate::attempt::{Attack, Failure, Outcome, each, refused, setup};
use crate::sys::{self, call};
use crate::world::World;

/// Highest process number that is tried: a little above the kernel's default.
const HIGHEST: usize = 33_000;
/// What is not seen, or may not be touched.
const HIDDEN: &[i32] = &[
    libc::EPERM,
    libc::EACCES,
    libc::ENOSYS,
    libc::ESRCH,
    libc::ENOENT,
];
const PIDFD_OPEN: libc::c_long = 434;
const PIDFD_GETFD: libc::c_long = 438;

pub(crate) const ATTACKS: &[Attack] = &[
    Attack {
        id: "B-01",
        what: "find processes of others in /proc",
        walls: ABSENT,
        attempt: see_others,
    },
    Attack {
        id: "B-01",
        what: "find the kernel's threads in /proc",
        walls: ABSENT,
        attempt: see_kernel,
    },
    Attack {
        id: "B-01",
        what: "signal every process number",
        walls: HIDDEN,
        attempt: signal_all,
    },
    Attack {
        id: "B-02",
        what: "trace process 1",
        walls: HIDDEN,
        attempt: |_| {
            let (attach, seize) = (16, 0x4206);
            each([attach, seize], HIDDEN, |request| {
                call(libc::SYS_ptrace, &[request, 1, 0, 0]).map(drop)
            })
        },
    },
    Attack {
        id: "B-02",
        what: "read and write the memory of process 1",
        walls: HIDDEN,
        attempt: |_| {
            let calls = [libc::SYS_process_vm_readv, libc::SYS_process_vm_writev];
            each(calls, HIDDEN, foreign_memory)
        },
    },
    Attack {
        id: "B-02",
        what: "take a descriptor of process 1",
        walls: HIDDEN,
        attempt: |_| {
            let process = sys::own(call(PIDFD_OPEN, &[1, 0])?)?;
            call(PIDFD_GETFD, &[sys::number(&process), 0, 0]).map(drop)
        },
    },
    Attack {
        id: "B-02",
        what: "compare resources with process 1",
        walls: HIDDEN,
        attempt: |_| {
            let own = usize::try_from(std::process::id()).unwrap_or(0);
            call(libc::SYS_kcmp, &[own, 1, 1, 0, 0]).map(drop)
        },
    },
    Attack {
        id: "B-03",
        what: "open memory and environment of process 1",
        walls: ABSENT,
        attempt: |_| {
            each(
                ["/proc/1/mem", "/proc/1/environ", "/proc/1/maps"],
                ABSENT,
                |path| {
                    let file = File::open(path).map_err(|error| refused(&error))?;
                    // /proc/1/environ opens for its owner's kin and refuses the reading.
                    let mut byte = [0];
                    let read = std::io::Read::read(&mut &file, &mut byte);
                    read.map(drop).map_err(|error| refused(&error))
                },
            )
        },
    },
    Attack {
        id: "B-15",
        what: "shared memory and message queues of the box",
        walls: ABSENT,
        attempt: |_| {
            let name = sys::text("limen");
            let name = sys::address(&name);
            let (key, own_only) = (0x4c49_4d45, 0);
            let attempts: [(libc::c_long, [usize; 4]); 3] = [
                (libc::SYS_shmget, [key, 1, own_only, 0]),
                (libc::SYS_msgget, [key, own_only, 0, 0]),
                (libc::SYS_mq_open, [name, 2, 0, 0]),
            ];
            each(attempts, ABSENT, |(number, arguments)| {
                call(number, &arguments).map(drop)
            })
        },
    },
];

/// Success when a process is visible that is neither this one nor its parent, by another name.
fn see_others(_: &World) -> Outcome {
    let own = fs::read_to_string("/proc/self/comm").map_err(|error| setup(&error))?;
    let entries = fs::read_dir("/proc").map_err(|error| setup(&error))?;
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_process = name
            .to_string_lossy()
            .bytes()
            .all(|byte| byte.is_ascii_digit());
        if is_process {
            let other = fs::read_to_string(entry.path().join("comm"));
            if other.is_ok_and(|other| other != own) {
                return Ok(());
            }
        }
    }
    Err(Failure::Refused(libc::ENOENT))
}

fn see_kernel(_: &World) -> Outcome {
    let name = fs::read_to_string("/proc/2/comm").map_err(|error| refused(&error))?;
    if name.starts_with("kthreadd") {
        return Ok(());
    }
    Err(Failure::Refused(libc::ENOENT))
}

/// Signal 0 only asks. Success when somebody else may be signalled.
fn signal_all(_: &World) -> Outcome {
    let own = usize::try_from(std::process::id()).unwrap_or(0);
    // SAFETY: getppid(2) touches no memory.
    let parent = usize::try_from(unsafe { libc::getppid() }).unwrap_or(0);
    let others = (1..HIGHEST).filter(|process| ![own, parent].contains(process));
    each(others, HIDDEN, |process| {
        call(libc::SYS_kill, &[process, 0]).map(drop)
    })
}

fn foreign_memory(number: libc::c_long) -> Outcome {
    let mut byte = 0u8;
    let vector = [(&raw mut byte) as usize, 1];
    let address = vector.as_ptr() as usize;
    call(number, &[1, address, 1, address, 1, 0]).map(drop)
}
