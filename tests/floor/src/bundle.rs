//! A program in a virtual gateway, from its cgroup to its execution

use std::convert::Infallible;
use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::home::{Home, leaf, write};
use crate::root::{self, Root};
use crate::sys::{HERE, at, call, clone, flags, number, open, text};
use crate::{filter, identity, rules};

/// Its number inside.
const USER: usize = 1000;

/// Starts it, waits until it has ended by itself, and removes its cgroup.
pub(crate) fn live(home: &Home, files: &Path) -> Result<()> {
    let path = home.folder().join("b0");
    let cgroup = leaf(&path)?;
    let enter = [number(home.reaper()), flags(libc::CLONE_NEWPID)];
    call("let children in", libc::SYS_setns, &enter)?;
    let born = clone(0, Some(&cgroup), || become_it(home, &cgroup, files));
    let own = [number(home.own_processes()), flags(libc::CLONE_NEWPID)];
    call("let children out", libc::SYS_setns, &own)?;
    born?.wait()?;
    std::fs::remove_dir(path).context("remove the leaf")
}

fn become_it(home: &Home, cgroup: &OwnedFd, files: &Path) -> Result<Infallible> {
    for (file, value) in [
        ("memory.max", "8388608"),
        ("memory.swap.max", "0"),
        ("memory.oom.group", "1"),
        ("pids.max", "16"),
    ] {
        write(cgroup, file, value)?;
    }
    let shared = libc::CLONE_NEWNET | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;
    let join = [number(home.reaper()), flags(shared)];
    call("join", libc::SYS_setns, &join)?;
    let sockets = root::clone(home.sockets(), false)?;
    let own = libc::CLONE_NEWNS | libc::CLONE_NEWCGROUP;
    call("leave", libc::SYS_unshare, &[flags(own)])?;
    identity::limit("300")?;
    let root = Root::new()?;
    let files = CString::new(files.as_os_str().as_bytes())?;
    let top = root::directory(HERE, &files)?;
    let programs = root::directory(number(&top), c"bin")?;
    root.put(&root::clone(&programs, true)?, &root.make(c"bin")?)?;
    let owner = CString::new(home.outer(USER).to_string())?;
    root.furnish(&owner)?;
    root.make(c"run")?;
    root.put(&sockets, &root.make(c"run/limen")?)?;
    root.enter()?;
    let null = flags(libc::O_RDWR | libc::O_CLOEXEC);
    let null = open("null", libc::SYS_openat, &[HERE, text(c"/dev/null"), null])?;
    call("null", libc::SYS_dup3, &[number(&null), 0, 0])?;
    identity::seal()?;
    identity::become_user(home.users(), USER)?;
    rules::enforce(&rules::BUNDLE, &[0, 8080], None)?;
    identity::refuse_new_code();
    filter::install(filter::BUNDLE)?;
    let program = c"/bin/probe";
    let arguments = [text(program), text(c"tell"), 0];
    let none = [0_usize];
    let execute = [text(program), at(&arguments), at(&none)];
    call("execute", libc::SYS_execve, &execute)?;
    anyhow::bail!("it was not executed")
}
