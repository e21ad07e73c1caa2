//! One ordered recipe that turns a spec into a jailed process
//!
//! Two users. PID 1 takes [`spawn`], [`reap`] and [`counters`]: starting a program in a cgroup,
//! taking its exit and what it used, without allocation or waiting. limen-jail (feature `jail`) takes
//! the rest: it reads tasks, and for each to build makes one process that walks one recipe of steps.
//! The order of steps is the argument of the whole
//! crate; it stands in `recipe`, and docs/adr/0002 says why.
//!
//! The crate deliberately decides nothing: what may run, and with which limits, is in the task.

pub mod counters;
#[cfg(feature = "jail")]
mod fault;
#[cfg(feature = "jail")]
#[cfg(test)]
mod filter;
#[cfg(feature = "jail")]
#[cfg(test)]
mod policy;
#[cfg(feature = "jail")]
mod pool;
#[cfg(feature = "jail")]
mod posture;
pub mod reap;
#[cfg(feature = "jail")]
mod recipe;
pub mod spawn;
#[cfg(feature = "jail")]
mod step;
#[allow(
    unreachable_pub,
    reason = "crate-internal, but for the process type that spawn hands out"
)]
#[cfg_attr(
    not(feature = "jail"),
    allow(dead_code, reason = "PID 1 starts and reaps; the rest is for the jail")
)]
mod sys;

#[cfg(feature = "jail")]
#[cfg(test)]
mod walls;

#[cfg(feature = "jail")]
pub mod net;

#[cfg(feature = "jail")]
pub use fault::Fault;
#[cfg(feature = "jail")]
pub use recipe::serve;
