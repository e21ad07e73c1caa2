//! The monotonic clock, in nanoseconds

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds since the kernel started.
pub(crate) fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    let part = |value: i64| u64::try_from(value).unwrap_or_default();
    part(time.tv_sec) * 1_000_000_000 + part(time.tv_nsec)
}

/// Lets what others still do in the background come to its end. Costs no instruction of ours.
pub(crate) fn settle(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

/// Never returns.
pub(crate) fn sleep_for_ever() -> ! {
    loop {
        settle(3_600_000);
    }
}
