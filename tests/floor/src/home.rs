//! A virtual gateway: its cgroup, its users, its network, its first process

use std::convert::Infallible;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use limen_proto::contract::{Contract, Rate};
use limen_proto::id::Slot;

use crate::root::{self, Root};
use crate::sys::{HERE, Process, at, call, clone, exit, flags, number, open, text};
use crate::{filter, identity, rules};

const TREE: &str = "/sys/fs/cgroup/floor";
const CONTROLLERS: &str = "+cpu +memory +pids +io";
/// The box's own first process of a virtual gateway.
const REAPER: &str = "/usr/lib/limen/bin/limen-reaper";
/// The place that it takes.
const SLOT: u16 = 5;
/// Where the directory of a bundle's sockets would be.
const SOCKETS: &str = "/run/floor";

/// What is there before the first start, as on the box.
pub(crate) struct Place {
    slot: Slot,
    users: OwnedFd,
    sockets: OwnedFd,
    own_processes: OwnedFd,
}

impl Place {
    /// Makes it: the firewall's table, the upper cgroup, the user namespace that a slot keeps.
    pub(crate) fn prepare() -> Result<Self> {
        let slot = Slot::new(SLOT).map_err(|error| anyhow!("{error}"))?;
        limen_net::prepare("eth0", 8443).map_err(|fault| anyhow!("{fault}"))?;
        fs::write("/sys/fs/cgroup/cgroup.subtree_control", CONTROLLERS)?;
        fs::create_dir(TREE).context(TREE)?;
        fs::write(format!("{TREE}/cgroup.subtree_control"), CONTROLLERS)?;
        fs::create_dir_all(SOCKETS).context(SOCKETS)?;
        Ok(Self {
            slot,
            users: users(slot)?,
            sockets: root::directory(HERE, c"/run/floor")?,
            own_processes: File::open("/proc/self/ns/pid_for_children")?.into(),
        })
    }

    /// Removes what would be in another's way.
    pub(crate) fn remove(self) -> Result<()> {
        fs::remove_dir(TREE).context(TREE)
    }
}

/// A user namespace with nobody in it, in which there can be no further namespace.
fn users(slot: Slot) -> Result<OwnedFd> {
    let (mut mapped, mut tell) = std::io::pipe()?;
    let maker = clone(libc::CLONE_NEWUSER, None, || {
        mapped.read_exact(&mut [0])?;
        for kind in ["user", "mnt", "net"] {
            fs::write(format!("/proc/sys/user/max_{kind}_namespaces"), "0")?;
        }
        exit(0)
    })?;
    let process = format!("/proc/{}", maker.number());
    for file in ["uid_map", "gid_map"] {
        let map = format!("0 {} 65536", slot.first_id());
        fs::write(format!("{process}/{file}"), map).context(file)?;
    }
    let users = File::open(format!("{process}/ns/user"))?;
    tell.write_all(&[1])?;
    maker.wait()?;
    Ok(users.into())
}

/// A running virtual gateway.
pub(crate) struct Home<'a> {
    place: &'a Place,
    folder: PathBuf,
    reaper: Process,
}

impl<'a> Home<'a> {
    /// Starts it; returns when its first process was executed.
    pub(crate) fn start(place: &'a Place) -> Result<Self> {
        let folder = PathBuf::from(TREE).join("vgw");
        fs::create_dir(&folder).context("make the upper cgroup")?;
        fs::write(folder.join("cgroup.subtree_control"), CONTROLLERS)?;
        let cgroup = leaf(&folder.join("core"))?;
        // Its other end is closed by execve.
        let (mut executed, held) = std::io::pipe()?;
        let reaper = clone(libc::CLONE_NEWPID, Some(&cgroup), || {
            become_reaper(place, &folder)
        })?;
        drop(held);
        executed.read_to_end(&mut Vec::new())?;
        Ok(Self {
            place,
            folder,
            reaper,
        })
    }

    /// Ends it, and removes everything.
    pub(crate) fn end(self, place: &Place) -> Result<()> {
        self.reaper.kill()?;
        self.reaper.wait()?;
        limen_net::destroy(place.slot).map_err(|fault| anyhow!("{fault}"))?;
        fs::remove_dir(self.folder.join("core")).context("remove the leaf")?;
        fs::remove_dir(self.folder).context("remove the upper cgroup")
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn reaper(&self) -> &OwnedFd {
        self.reaper.pidfd()
    }

    pub(crate) fn users(&self) -> &OwnedFd {
        &self.place.users
    }

    pub(crate) fn sockets(&self) -> &OwnedFd {
        &self.place.sockets
    }

    pub(crate) fn own_processes(&self) -> &OwnedFd {
        &self.place.own_processes
    }

    /// The number outside of one inside.
    pub(crate) fn outer(&self, inner: usize) -> usize {
        self.place.slot.first_id() as usize + inner
    }
}

fn become_reaper(place: &Place, folder: &Path) -> Result<Infallible> {
    let upper: OwnedFd = File::open(folder)?.into();
    for (file, value) in [
        ("memory.max", "33554432"),
        ("memory.swap.max", "0"),
        ("pids.max", "64"),
        ("cpu.max", "50000 100000"),
    ] {
        write(&upper, file, value)?;
    }
    network(place.slot)?;
    let own = libc::CLONE_NEWNS | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS | libc::CLONE_NEWCGROUP;
    call("leave", libc::SYS_unshare, &[flags(own)])?;
    let program: OwnedFd = File::open(REAPER).context(REAPER)?.into();
    let first = place.slot.first_id();
    let group_range = format!("{first} {}", first + 65535);
    fs::write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0")?;
    fs::write("/proc/sys/net/ipv4/ping_group_range", group_range)?;
    // Linux 6.1 does not know it.
    let _ = fs::write("/proc/sys/vm/memfd_noexec", "2");
    call("name", libc::SYS_sethostname, &[text(c"floor"), 5])?;
    identity::limit("-1000")?;
    Root::new()?.enter()?;
    identity::seal()?;
    identity::become_user(&place.users, 1)?;
    rules::enforce(&[], &[], Some(&program))?;
    identity::refuse_new_code();
    filter::install(filter::REAPER)?;
    let arguments = [text(c"limen-reaper"), 0];
    let none = [0_usize];
    let empty = flags(libc::AT_EMPTY_PATH);
    let (program, arguments, none) = (number(&program), at(&arguments), at(&none));
    let execute = [program, text(c""), arguments, none, empty];
    call("execute", libc::SYS_execveat, &execute)?;
    anyhow::bail!("it was not executed")
}

/// A network namespace with its link, shaped, in which this process is then.
fn network(slot: Slot) -> Result<()> {
    const OWN: &str = "/proc/self/ns/net";
    let enter = |namespace: &File| {
        let how = [number(namespace), flags(libc::CLONE_NEWNET)];
        call("enter", libc::SYS_setns, &how)
    };
    let outside = File::open(OWN)?;
    let network = flags(libc::CLONE_NEWNET);
    call("make the network", libc::SYS_unshare, &[network])?;
    let inside = File::open(OWN)?;
    enter(&outside)?;
    let contract = Contract {
        upload: Rate::of(10_000_000),
        download: Rate::of(10_000_000),
        ..Contract::default()
    };
    limen_net::build(slot, inside.as_fd(), &contract, false).map_err(|fault| anyhow!("{fault}"))?;
    enter(&inside).map(drop)
}

/// A fresh cgroup.
pub(crate) fn leaf(path: &Path) -> Result<OwnedFd> {
    fs::create_dir(path).context("make a leaf")?;
    Ok(File::open(path)?.into())
}

/// Writes a file of a cgroup.
pub(crate) fn write(cgroup: &OwnedFd, file: &str, value: &str) -> Result<()> {
    let name = std::ffi::CString::new(file)?;
    let how = flags(libc::O_WRONLY | libc::O_CLOEXEC);
    let arguments = [number(cgroup), text(&name), how];
    let file = open("open a limit", libc::SYS_openat, &arguments)?;
    File::from(file).write_all(value.as_bytes())?;
    Ok(())
}
