//! As PID 1: the box without the core
//!
//! The same kernel, modules and system image, mounted by the same early stage, and nothing else
//! running: what the core costs is the difference to this.
//!
//! Every program was read once, as on a box that runs. The kernel counts half of the page cache as
//! available, until that half is its low watermark, and then all but that watermark: a box that has read
//! nothing would seem to have so much less, although programs' pages can be dropped here as there.

use anyhow::{Context as _, Result};
use rustix::mount::MountFlags;
use rustix::system::RebootCommand;

use crate::{clock, memory, warm};

/// Measures, then switches off.
pub(crate) fn run() -> Result<()> {
    if !std::path::Path::new("/proc/meminfo").exists() {
        rustix::mount::mount("proc", "/proc", "proc", MountFlags::empty(), None)
            .context("mount /proc")?;
    }
    warm::programs()?;
    // What the kernel still gives back after a boot is back by then.
    clock::settle(120_000);
    println!("probe: memory bare {} kB", memory::available()?);
    println!("probe: done");
    clock::settle(500);
    rustix::system::reboot(RebootCommand::PowerOff).context("power off")
}
