//! Execution of what was not signed
//!
//! The copy that is executed is this program itself; if it runs, it says so by its exit status.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::DENIED;
use super::privileges::MAP;
use crate::attempt::{Attack, Failure, Outcome, each, refused, setup};
use crate::sys::{self, call};
use crate::world::World;

const EMPTY_PATH: usize = 0x1000;

pub(crate) const ATTACKS: &[Attack] = &[
    Attack {
        id: "A-20",
        what: "execute a copy on the volume",
        walls: DENIED,
        attempt: |world| {
            let path = world.own("copy").ok_or(Failure::Setup(libc::ENOENT))?;
            from(&path)
        },
    },
    Attack {
        id: "A-20",
        what: "execute a copy on the temporary file system",
        walls: DENIED,
        attempt: |_| from(Path::new("/tmp/copy")),
    },
    Attack {
        id: "A-20",
        what: "execute a copy in memory",
        walls: &[libc::EPERM, libc::EACCES, libc::ENOSYS, libc::EINVAL],
        attempt: from_memory,
    },
    Attack {
        id: "A-20",
        what: "execute a deleted copy by its descriptor",
        walls: DENIED,
        attempt: from_deleted,
    },
    Attack {
        id: "A-20",
        what: "map a copy on the volume executable",
        walls: DENIED,
        attempt: map_executable,
    },
    Attack {
        id: "A-20",
        what: "execute a copy on the volume through the dynamic loader's calls: map, then turn",
        walls: DENIED,
        attempt: map_and_turn,
    },
    Attack {
        id: "A-21",
        what: "memory to execute",
        walls: DENIED,
        attempt: |_| anonymous(READ | EXECUTE).map(drop),
    },
    Attack {
        id: "A-21",
        what: "memory to write and to execute",
        walls: DENIED,
        attempt: |_| anonymous(READ | WRITE | EXECUTE).map(drop),
    },
    Attack {
        id: "A-21",
        what: "make written memory executable",
        walls: DENIED,
        attempt: |_| {
            let page = anonymous(READ | WRITE).map_err(as_setup)?;
            each(
                [libc::SYS_mprotect, libc::SYS_pkey_mprotect],
                DENIED,
                |number| call(number, &[page, PAGE, READ | EXECUTE, 0]).map(drop),
            )
        },
    },
    Attack {
        id: "A-21",
        what: "write and execute the same memory by two mappings of a file in it",
        walls: DENIED,
        attempt: |_| {
            let name = sys::text("code");
            let file = call(libc::SYS_memfd_create, &[sys::address(&name), 0])?;
            call(libc::SYS_ftruncate, &[file, PAGE]).map_err(as_setup)?;
            call(MAP, &[0, PAGE, READ | WRITE, SHARED, file, 0]).map_err(as_setup)?;
            call(MAP, &[0, PAGE, READ | EXECUTE, SHARED, file, 0]).map(drop)
        },
    },
    Attack {
        id: "A-21",
        what: "the same by shared memory of System V",
        walls: DENIED,
        attempt: |_| {
            let (private, make, execute) = (0, 0o1700, 0o100_000);
            let segment = call(libc::SYS_shmget, &[private, PAGE, make])?;
            call(libc::SYS_shmat, &[segment, 0, execute]).map(drop)
        },
    },
    Attack {
        id: "A-21",
        what: "change the own program in its private mapping",
        walls: DENIED,
        attempt: change_program,
    },
    Attack {
        id: "B-07",
        what: "execute a signed program of the 32-bit machine: its calls have other numbers",
        walls: &[libc::EACCES, libc::EPERM, libc::ENOEXEC],
        attempt: narrow_program,
    },
];

const PAGE: usize = 4096;
const READ: usize = 1;
const WRITE: usize = 2;
const EXECUTE: usize = 4;
const SHARED: usize = 1;
const PRIVATE: usize = 2;
const ANONYMOUS: usize = 0x20;
/// Where the bundle has a program for the 32-bit machine, if it has one.
const NARROW: &str = "/bin/narrow";

fn as_setup(failure: Failure) -> Failure {
    match failure {
        Failure::Refused(errno) | Failure::Setup(errno) => Failure::Setup(errno),
    }
}

fn anonymous(protection: usize) -> Result<usize, Failure> {
    call(
        MAP,
        &[0, PAGE, protection, PRIVATE | ANONYMOUS, usize::MAX, 0],
    )
}

/// What a loader does with a library: maps it readable, then makes it executable.
fn map_and_turn(world: &World) -> Outcome {
    let path = world.own("library").ok_or(Failure::Setup(libc::ENOENT))?;
    fs::write(&path, [0; PAGE]).map_err(|error| setup(&error))?;
    let file = File::open(&path).map_err(|error| setup(&error))?;
    let _ = fs::remove_file(&path);
    let list = [0, PAGE, READ, PRIVATE, sys::number(&file), 0];
    let page = call(MAP, &list).map_err(as_setup)?;
    call(libc::SYS_mprotect, &[page, PAGE, READ | EXECUTE]).map(drop)
}

/// A signed file, mapped privately: it may be executed or written, and not first one, then the
/// other.
fn change_program(_: &World) -> Outcome {
    let program = File::open("/proc/self/exe").map_err(|error| setup(&error))?;
    let file = sys::number(&program);
    let page = call(MAP, &[0, PAGE, READ | WRITE, PRIVATE, file, 0]).map_err(as_setup)?;
    call(libc::SYS_mprotect, &[page, PAGE, READ | EXECUTE]).map(drop)
}

/// Its first call ends it with [`crate::attempt::EXECUTED_STATUS`], where it is let.
fn narrow_program(_: &World) -> Outcome {
    execute(libc::AT_FDCWD as usize, &sys::text(NARROW), 0)
}

/// Where the whole program does not fit, its beginning does: the wall stands before the kernel
/// looks at the content.
fn copy(path: &Path) -> Result<(), Failure> {
    let program = fs::read("/proc/self/exe").map_err(|error| setup(&error))?;
    let mut file = File::create(path).map_err(|error| setup(&error))?;
    match file.write_all(&program) {
        Err(error) if !is_full(&error) => return Err(setup(&error)),
        Ok(()) | Err(_) => {}
    }
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(path, executable).map_err(|error| setup(&error))
}

fn is_full(error: &std::io::Error) -> bool {
    let errno = error.raw_os_error();
    [Some(libc::ENOSPC), Some(libc::EDQUOT)].contains(&errno)
}

fn from(path: &Path) -> Outcome {
    copy(path)?;
    let refusal = execute(libc::AT_FDCWD as usize, &sys::text(path), 0);
    let _ = fs::remove_file(path);
    refusal
}

fn from_memory(_: &World) -> Outcome {
    let (as_ever, sealed_against_execution, executable) = (0, 8, 16);
    let flags = [as_ever, sealed_against_execution, executable];
    // EINVAL: flags that came with 6.3. Behind them the first is all there is.
    let walls = &[libc::EPERM, libc::EACCES, libc::ENOSYS, libc::EINVAL];
    each(flags, walls, from_memory_file)
}

fn from_memory_file(flags: usize) -> Outcome {
    let name = sys::text("copy");
    let descriptor = call(libc::SYS_memfd_create, &[sys::address(&name), flags])?;
    let mut file = File::from(sys::own(descriptor)?);
    let program = fs::read("/proc/self/exe").map_err(|error| setup(&error))?;
    file.write_all(&program).map_err(|error| setup(&error))?;
    execute(sys::number(&file), &CString::default(), EMPTY_PATH)
}

fn from_deleted(world: &World) -> Outcome {
    let path = world.own("deleted").ok_or(Failure::Setup(libc::ENOENT))?;
    copy(&path)?;
    let file = File::open(&path).map_err(|error| setup(&error))?;
    fs::remove_file(&path).map_err(|error| setup(&error))?;
    execute(sys::number(&file), &CString::default(), EMPTY_PATH)
}

/// Returns only when it is refused.
fn execute(folder: usize, path: &CString, flags: usize) -> Outcome {
    let (name, argument) = (sys::text("adversary"), sys::text(crate::EXECUTED));
    let arguments = [name.as_ptr(), argument.as_ptr(), std::ptr::null()];
    let environment: [*const libc::c_char; 1] = [std::ptr::null()];
    let arguments = arguments.as_ptr() as usize;
    let environment = environment.as_ptr() as usize;
    let list = [folder, sys::address(path), arguments, environment, flags];
    call(libc::SYS_execveat, &list).map(drop)
}

fn map_executable(world: &World) -> Outcome {
    let path = world.own("mapped").ok_or(Failure::Setup(libc::ENOENT))?;
    fs::write(&path, [0; 4096]).map_err(|error| setup(&error))?;
    let file = File::open(&path).map_err(|error| refused(&error))?;
    let (read_execute, private) = (5, 2);
    let list = [0, 4096, read_execute, private, sys::number(&file), 0];
    let outcome = call(MAP, &list).map(drop);
    let _ = fs::remove_file(&path);
    outcome
}
