//! init's own size
//!
//! With the feature `count-allocations`, for soaks, also how often it has asked for memory: a number
//! that must not change once the core is active.

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

/// Calls to the allocator so far; 0 where they are not counted.
pub(super) fn allocations() -> usize {
    #[cfg(feature = "count-allocations")]
    let count = {
        let stats = stats_alloc::INSTRUMENTED_SYSTEM.stats();
        stats.allocations.saturating_add(stats.reallocations)
    };
    #[cfg(not(feature = "count-allocations"))]
    let count = 0;
    count
}
