//! Memory of the whole box

use std::fs;

use anyhow::{Context as _, Result};

/// `MemAvailable`, kB.
pub(crate) fn available() -> Result<u64> {
    let text = fs::read_to_string("/proc/meminfo").context("read /proc/meminfo")?;
    text.lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))
        .and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse().ok())
        .context("/proc/meminfo has no MemAvailable")
}
