//! Programs that start one sandboxed program
//!
//! Each gets as many of our walls as it can build by itself; what it lacks is said here.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::started::Started;
use super::{FOLDER, SELF};
use crate::payload;

/// Where the cgroup tree is.
pub(super) const CGROUPS: &str = "/sys/fs/cgroup";
/// Whose presence shows that the image has the peers.
pub(super) const BWRAP: &str = "/usr/bin/bwrap";

const CRUN: &str = "/usr/bin/crun";

/// A kind of sandbox.
pub(super) struct Sandbox {
    pub(super) name: &'static str,
    prepare: fn() -> Result<()>,
    /// What ends an idle one whose own command does not stay.
    ending: Option<fn(usize) -> Command>,
    command: fn(&str, usize) -> Result<Command>,
}

/// All of them.
pub(super) const ALL: [Sandbox; 2] = [
    // Seven namespaces, a root of binds, /proc, /dev, no capability, no_new_privs. It has no
    // cgroup, no limit, no Landlock, no link; a filter it would take, but cannot make.
    Sandbox {
        name: "bwrap",
        prepare: bwrap_root,
        ending: None,
        command: bwrap,
    },
    // The same, and cgroup limits, process limits, a filter that allows the calls that our bundles
    // may make, masked paths. It has no Landlock, no link.
    Sandbox {
        name: "crun",
        prepare: || Ok(()),
        ending: Some(|number| {
            let mut command = Command::new(CRUN);
            command.args(["--cgroup-manager=cgroupfs", "delete", "--force"]);
            command.arg(container(payload::STAY, number));
            command
        }),
        command: crun,
    },
];

impl Sandbox {
    /// Makes what it needs.
    pub(super) fn prepare(&self) -> Result<()> {
        (self.prepare)()
    }

    /// The command that starts the payload in it.
    pub(super) fn command(&self, act: &str, number: usize) -> Result<Command> {
        (self.command)(act, number)
    }

    /// One whose payload stays.
    pub(super) fn idle(&self, number: usize) -> Result<Started> {
        let one = Started::begin(&mut self.command(payload::STAY, number)?)?;
        Ok(match self.ending {
            Some(ending) => one.ended_by(ending(number)),
            None => one,
        })
    }
}

/// The payload's root.
pub(super) fn root() -> PathBuf {
    PathBuf::from(FOLDER).join("root")
}

fn bwrap_root() -> Result<()> {
    let root = root();
    for folder in ["bin", "proc", "dev", "tmp", "sys"] {
        fs::create_dir_all(root.join(folder)).context("make the payload's root")?;
    }
    let program = root.join("bin/probe");
    fs::copy(SELF, &program).context("copy the payload")?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

fn bwrap(act: &str, _: usize) -> Result<Command> {
    let mut command = Command::new(BWRAP);
    command
        .args(["--unshare-all", "--die-with-parent", "--new-session"])
        .args(["--cap-drop", "ALL", "--uid", "1000", "--gid", "1000"])
        .args(["--hostname", "peer", "--clearenv"])
        .arg("--ro-bind")
        .args([root().join("bin").as_os_str(), "/bin".as_ref()])
        .args(["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"])
        .args(["--", "/bin/probe", act]);
    Ok(command)
}

/// A container's name.
fn container(act: &str, number: usize) -> String {
    format!("{act}{number}")
}

fn crun(act: &str, number: usize) -> Result<Command> {
    let name = container(act, number);
    let folder = PathBuf::from(FOLDER).join(&name);
    fs::create_dir_all(&folder).context("make a container's folder")?;
    let configuration = include_str!("crun.json")
        .replace("@act@", act)
        .replace("@name@", &name);
    fs::write(folder.join("config.json"), configuration).context("write config.json")?;
    let mut command = Command::new(CRUN);
    command
        .args(["--cgroup-manager=cgroupfs", "run", "--bundle"])
        .arg(folder);
    if act == payload::STAY {
        // Idle ones are measured without the command's own process, which need not stay.
        command.arg("--detach");
    }
    command.arg(name);
    Ok(command)
}
