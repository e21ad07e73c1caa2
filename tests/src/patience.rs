//! Waiting for what must come, with a bound
//!
//! The bound is generous: an emulated box on a busy machine is slow, and a test asserts outcomes,
//! never speed.

use std::fmt::Display;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Long enough for anything that a box does by itself.
pub const PATIENCE: Duration = Duration::from_secs(90);
/// How often one looks.
const INTERVAL: Duration = Duration::from_millis(250);

/// Waits until `look` returns something.
///
/// # Errors
/// It does not within [`PATIENCE`]; the message holds `what` and the last reason that `look` gave.
pub fn wait_for<T>(what: impl Display, look: impl FnMut() -> Result<T>) -> Result<T> {
    wait_at_most(PATIENCE, what, look)
}

/// Waits until `look` returns something, at most `limit`.
///
/// # Errors
/// As [`wait_for`].
pub fn wait_at_most<T>(
    limit: Duration,
    what: impl Display,
    mut look: impl FnMut() -> Result<T>,
) -> Result<T> {
    let begin = Instant::now();
    loop {
        match look() {
            Ok(found) => return Ok(found),
            Err(reason) if begin.elapsed() > limit => {
                bail!("{what}: not within {} s; last: {reason:#}", limit.as_secs())
            }
            Err(_) => thread::sleep(INTERVAL),
        }
    }
}
