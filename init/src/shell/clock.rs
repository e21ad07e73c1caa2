//! The clock: milliseconds that never go back
//!
//! CLOCK_MONOTONIC, so that a step of the wall clock moves no deadline. 64 bits of milliseconds do
//! not wrap.

use rustix::time::{ClockId, clock_gettime};

/// Milliseconds since the kernel started, suspended time not counted.
pub(super) fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let millis = u64::try_from(time.tv_nsec).unwrap_or_default() / 1_000_000;
    seconds.saturating_mul(1000).saturating_add(millis)
}
