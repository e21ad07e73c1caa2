//! init's own size

use rustix::fs::{Mode, OFlags};

/// Resident set in kB; 0 when `/proc` is not there.
pub(super) fn resident_kb() -> u64 {
    read().unwrap_or_default()
}

fn read() -> Option<u64> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = rustix::fs::open("/proc/self/statm", flags, Mode::empty()).ok()?;
    let mut text = [0u8; 128];
    let length = rustix::io::read(&file, &mut text).ok()?;
    // Pages: total, resident, ... (proc(5)).
    let text = core::str::from_utf8(text.get(..length)?).ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    let page = u64::try_from(rustix::param::page_size()).ok()?;
    Some(pages.saturating_mul(page) / 1024)
}
