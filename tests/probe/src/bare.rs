//! As PID 1: the box without the core
//!
//! The same kernel, modules and system image, mounted by the same early stage, and nothing else
//! running: what the core costs is the difference to this. And the floor of every start: this
//! program as a child of itself, without any isolation.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result};
use rustix::mount::MountFlags;
use rustix::system::RebootCommand;

use crate::samples::Samples;
use crate::{clock, payload};

/// Children for the floor.
const CHILDREN: usize = 50;

/// Measures, then switches off.
pub(crate) fn run() -> Result<()> {
    if !std::path::Path::new("/proc/meminfo").exists() {
        rustix::mount::mount("proc", "/proc", "proc", MountFlags::empty(), None)
            .context("mount /proc")?;
    }
    // What the kernel still gives back after a boot is back by then.
    clock::settle(120_000);
    println!("probe: memory bare {} kB", available()?);
    let mut floor = Samples::default();
    for _ in 0..CHILDREN {
        let asked = clock::now();
        let output = Command::new("/proc/self/exe")
            .arg(payload::TELL)
            .output()
            .context("start a child")?;
        let line = String::from_utf8_lossy(&output.stdout);
        let first = payload::read(&line).context("the child did not say when it began")?;
        floor.add(asked, first);
    }
    floor.show("floor");
    println!("probe: done");
    clock::settle(500);
    rustix::system::reboot(RebootCommand::PowerOff).context("power off")
}

/// `MemAvailable` of the box, kB.
fn available() -> Result<u64> {
    let text = fs::read_to_string("/proc/meminfo").context("read /proc/meminfo")?;
    text.lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))
        .and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse().ok())
        .context("/proc/meminfo has no MemAvailable")
}
