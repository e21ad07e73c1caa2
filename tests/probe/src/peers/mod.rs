//! As a child of PID 1, before limen-init: what others need for the same
//!
//! Programs of Debian's start this same program, in this same boot, with the same clock: sandboxes
//! (`sandbox`), supervisors (`supervisor`), and the floors: this program as an ordinary child, and as
//! what a program starts that does the kernel calls of a start and nothing else (`floor`). It runs in a mount namespace of its own, so that what it mounts is gone before
//! limen-init begins.

mod floor;
mod sandbox;
mod started;
mod supervisor;

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, ensure};
use rustix::mount::MountFlags;

use crate::clock;
use crate::memory;
use crate::payload;
use crate::samples::Samples;
use started::Started;

/// As which this program is started for it.
pub(crate) const ACT: &str = "peers";
/// This program, whichever place it stands in.
const SELF: &str = "/proc/self/exe";
/// Everything that the peers are given.
const FOLDER: &str = "/tmp/peers";
/// Samples of each start.
const SAMPLES: usize = 30;
/// Word of the kernel's command line that asks for starts alone.
const BRIEF: &str = "probe.brief";
/// Samples of what takes seconds, then.
const BRIEF_SAMPLES: usize = 5;
/// Pause before each, milliseconds.
const PAUSE: u64 = 100;
/// So many idle ones side by side, for their memory.
const CROWD: usize = 16;
/// For memory to stop moving, milliseconds.
const REST: u64 = 10_000;

/// Whether the image has the peers.
pub(crate) fn present() -> bool {
    Path::new(sandbox::BWRAP).exists()
}

/// Runs everything in a child, and waits for its end.
pub(crate) fn in_child() -> Result<()> {
    // By its path: what busybox would find behind a name in /proc/self is busybox.
    let program = std::env::current_exe().context("find this program")?;
    let status = Command::new("/usr/bin/busybox")
        .args(["unshare", "-m"])
        .arg(program)
        .arg(ACT)
        .status()
        .context("start the peers")?;
    ensure!(status.success(), "the peers ended with {status}");
    Ok(())
}

/// As that child.
pub(crate) fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("probe: failed: peers: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    // On the host's clock every pause costs as long as it says.
    let brief = fs::read_to_string("/proc/cmdline").is_ok_and(|line| line.contains(BRIEF));
    prepare()?;
    ordinary(brief)?;
    for kind in sandbox::ALL {
        kind.prepare()?;
        sample(&format!("peer-{}", kind.name), |number| {
            kind.command(payload::TELL, number)
        })?;
        if !brief {
            crowd(kind.name, |number| kind.idle(number))?;
        }
    }
    floor::measure()?;
    for kind in supervisor::ALL {
        kind.restarts(if brief { BRIEF_SAMPLES } else { SAMPLES })?;
        if !brief {
            crowd(kind.name, |number| kind.start(number))?;
        }
    }
    Ok(())
}

/// File systems that may be written, and the cgroup tree that limen-init finds made.
fn prepare() -> Result<()> {
    for folder in ["/tmp", "/run"] {
        rustix::mount::mount("tmpfs", folder, "tmpfs", MountFlags::empty(), None)
            .with_context(|| format!("mount {folder}"))?;
    }
    rustix::mount::mount(
        "cgroup2",
        sandbox::CGROUPS,
        "cgroup2",
        MountFlags::empty(),
        None,
    )
    .context("mount the cgroup tree")?;
    fs::create_dir(FOLDER).context("make the peers' folder")
}

/// An ordinary child, and an ordinary child after another one was killed.
fn ordinary(brief: bool) -> Result<()> {
    let child = |act: &str| {
        let mut command = Command::new(SELF);
        command.arg(act);
        command
    };
    sample("floor", |_| Ok(child(payload::TELL)))?;
    let mut restarts = Samples::default();
    let mut one = Started::begin(&mut child(payload::STAY))?;
    for _ in 0..SAMPLES {
        clock::settle(PAUSE);
        let asked = clock::now();
        one.kill_payload()?;
        one.end()?;
        one = Started::begin(&mut child(payload::STAY))?;
        restarts.add(asked, one.first);
    }
    one.kill_payload()?;
    one.end()?;
    restarts.show("floor-restart");
    if brief {
        return Ok(());
    }
    crowd("floor", |_| Started::begin(&mut child(payload::STAY)))
}

/// From before the command to the payload's first statement, many times.
fn sample(name: &str, command: impl Fn(usize) -> Result<Command>) -> Result<()> {
    let mut samples = Samples::default();
    for number in 0..SAMPLES {
        let mut command = command(number)?;
        clock::settle(PAUSE);
        let asked = clock::now();
        let mut one = Started::begin(&mut command).with_context(|| format!("start {name}"))?;
        samples.add(asked, one.first);
        one.end()?;
    }
    samples.show(name);
    Ok(())
}

/// Memory of an idle one: many side by side, ended afterwards.
fn crowd(name: &str, begin: impl Fn(usize) -> Result<Started>) -> Result<()> {
    clock::settle(REST);
    let before = memory::available()?;
    let mut all = Vec::new();
    for number in 0..CROWD {
        all.push(begin(number).with_context(|| format!("start {name}"))?);
    }
    clock::settle(REST);
    let taken = before.saturating_sub(memory::available()?);
    println!(
        "probe: memory {name} {} kB",
        taken / u64::try_from(CROWD).context("a small number")?
    );
    for one in &mut all {
        one.stop()?;
    }
    Ok(())
}
