//! The clock: milliseconds that never go back
//!
//! CLOCK_MONOTONIC, so that a step of the wall clock moves no deadline. 64 bits of milliseconds, or
//! of microseconds, do not wrap. Decisions are made in milliseconds; microseconds are only shown.

use rustix::time::{ClockId, clock_gettime};

/// Milliseconds since the kernel started, suspended time not counted.
pub(super) fn now() -> u64 {
    micros() / 1000
}

/// The same in microseconds.
pub(super) fn micros() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let micros = u64::try_from(time.tv_nsec).unwrap_or_default() / 1000;
    seconds.saturating_mul(1_000_000).saturating_add(micros)
}
