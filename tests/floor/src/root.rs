//! A root file system: a small tmpfs, detached clones in it, and the old one gone

use std::ffi::CStr;
use std::os::fd::OwnedFd;

use anyhow::Result;

use crate::sys::{HERE, at, call, flags, number, open, text};

const READ_ONLY: u64 = 1;
const NO_SET_UID: u64 = 2;
const NO_DEVICES: u64 = 4;
const NO_EXECUTION: u64 = 8;
/// Of mounts that hold neither programs nor devices.
const PLAIN: u64 = NO_SET_UID | NO_DEVICES | NO_EXECUTION;

/// Major and minor number, as mknod(2) takes them on a board with so few.
const NODES: [(&CStr, usize); 5] = [
    (c"null", 0x103),
    (c"zero", 0x105),
    (c"full", 0x107),
    (c"random", 0x108),
    (c"urandom", 0x109),
];
const LINKS: [(&CStr, &CStr); 4] = [
    (c"fd", c"/proc/self/fd"),
    (c"stdin", c"/proc/self/fd/0"),
    (c"stdout", c"/proc/self/fd/1"),
    (c"stderr", c"/proc/self/fd/2"),
];

/// A clone of a directory that nobody can see yet.
pub(crate) fn clone(directory: &OwnedFd, executable: bool) -> Result<OwnedFd> {
    let attributes = match executable {
        true => READ_ONLY | NO_SET_UID | NO_DEVICES,
        false => READ_ONLY | PLAIN,
    };
    clone_with(directory, attributes)
}

fn clone_with(directory: &OwnedFd, attributes: u64) -> Result<OwnedFd> {
    const CLONE: usize = 1;
    let how = CLONE | flags(libc::O_CLOEXEC | libc::AT_EMPTY_PATH);
    let what = [number(directory), text(c""), how];
    let tree = open("clone", libc::SYS_open_tree, &what)?;
    set(&tree, attributes)?;
    Ok(tree)
}

fn set(mount: &OwnedFd, attributes: u64) -> Result<()> {
    let all = READ_ONLY | PLAIN;
    let change = [attributes, all & !attributes, 0, 0];
    let arguments = [
        number(mount),
        text(c""),
        flags(libc::AT_EMPTY_PATH),
        at(&change),
        size_of_val(&change),
    ];
    call("protect", libc::SYS_mount_setattr, &arguments).map(drop)
}

/// An open directory.
pub(crate) fn directory(at: usize, path: &CStr) -> Result<OwnedFd> {
    let flags = flags(libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC);
    open("open", libc::SYS_openat, &[at, text(path), flags])
}

/// A root under construction, attached where no step needs anything.
pub(crate) struct Root(OwnedFd);

impl Root {
    /// Cuts this mount namespace off, and attaches an empty root.
    pub(crate) fn new() -> Result<Self> {
        const FROM_NOTHING: usize = 4;
        let private = libc::MS_PRIVATE | libc::MS_REC;
        let private = usize::try_from(private)?;
        call("cut off", libc::SYS_mount, &[0, text(c"/"), 0, private])?;
        let options = [(c"size", c"256k"), (c"mode", c"755")];
        let mount = file_system(c"tmpfs", &options)?;
        let to = [number(&mount), text(c""), HERE, text(c"/mnt"), FROM_NOTHING];
        call("attach", libc::SYS_move_mount, &to)?;
        Ok(Self(mount))
    }

    /// Makes a directory in it.
    pub(crate) fn make(&self, path: &CStr) -> Result<OwnedFd> {
        let here = number(&self.0);
        call("make", libc::SYS_mkdirat, &[here, text(path), 0o755])?;
        directory(here, path)
    }

    /// Mounts a detached tree on a directory of it.
    pub(crate) fn put(&self, tree: &OwnedFd, place: &OwnedFd) -> Result<()> {
        const BOTH_FROM_NOTHING: usize = 0x44;
        let (tree, place, none) = (number(tree), number(place), text(c""));
        let to = [tree, none, place, none, BOTH_FROM_NOTHING];
        call("mount", libc::SYS_move_mount, &to).map(drop)
    }

    /// `/proc`, `/dev` and `/tmp` as a bundle has them; `owner` is an outer id.
    pub(crate) fn furnish(&self, owner: &CStr) -> Result<()> {
        let options = [(c"hidepid", c"invisible"), (c"subset", c"pid")];
        self.put(&file_system(c"proc", &options)?, &self.make(c"proc")?)?;
        self.devices()?;
        let options = [
            (c"size", c"1048576"),
            (c"nr_inodes", c"256"),
            (c"mode", c"700"),
            (c"uid", owner),
            (c"gid", owner),
        ];
        self.put(&file_system(c"tmpfs", &options)?, &self.make(c"tmp")?)
    }

    fn devices(&self) -> Result<()> {
        let dev = self.make(c"dev")?;
        let mode = usize::try_from(libc::S_IFCHR | 0o666)?;
        call("mask", libc::SYS_umask, &[0])?;
        for (name, device) in NODES {
            let node = [number(&dev), text(name), mode, device];
            call("make a device", libc::SYS_mknodat, &node)?;
        }
        for (name, target) in LINKS {
            let link = [text(target), number(&dev), text(name)];
            call("link", libc::SYS_symlinkat, &link)?;
        }
        call("mask", libc::SYS_umask, &[0o022])?;
        let mount = clone_with(&dev, READ_ONLY | NO_SET_UID | NO_EXECUTION)?;
        self.put(&mount, &dev)
    }

    /// Makes it the root, for good.
    pub(crate) fn enter(self) -> Result<()> {
        let here = text(c".");
        call("enter", libc::SYS_fchdir, &[number(&self.0)])?;
        call("pivot", libc::SYS_pivot_root, &[here, here])?;
        let detach = flags(libc::MNT_DETACH);
        call("leave", libc::SYS_umount2, &[here, detach])?;
        call("enter", libc::SYS_chdir, &[text(c"/")])?;
        set(&self.0, READ_ONLY | PLAIN)
    }
}

/// A new, detached file system.
fn file_system(kind: &CStr, options: &[(&CStr, &CStr)]) -> Result<OwnedFd> {
    const CLOSE_ON_EXEC: usize = 1;
    const SET: usize = 1;
    const CREATE: usize = 6;
    let context = open("begin", libc::SYS_fsopen, &[text(kind), CLOSE_ON_EXEC])?;
    for (key, value) in options {
        let option = [number(&context), SET, text(key), text(value), 0];
        call("option", libc::SYS_fsconfig, &option)?;
    }
    let create = [number(&context), CREATE, 0, 0, 0];
    call("make a file system", libc::SYS_fsconfig, &create)?;
    let attributes = usize::try_from(PLAIN)?;
    let mount = [number(&context), CLOSE_ON_EXEC, attributes];
    open("mount", libc::SYS_fsmount, &mount)
}
