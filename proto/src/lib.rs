//! The wire protocols: ids, limits, states, messages
//!
//! The bottom of the house: every other crate speaks these types and none of them speaks to a
//! kernel. `no_std`; what PID 1 uses never allocates and has a fixed maximum size. Message enums
//! are append-only: a new variant goes to the end, a number is never given a second meaning.
//!
//! It deliberately holds no I/O, no clock and no decision.

#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;

pub mod account;
pub mod calls;
pub mod contract;
pub mod control;
pub mod feature;
pub mod frame;
pub mod grant;
pub mod id;
#[cfg(feature = "alloc")]
pub mod install;
pub mod ipv4;
pub mod jail;
pub mod limits;
#[cfg(feature = "alloc")]
pub mod logs;
#[cfg(feature = "alloc")]
pub mod manage;
pub mod month;
pub mod name;
pub mod posture;
pub mod rate;
pub mod registry;
pub mod restart;
pub mod spec;
pub mod state;
pub mod table;
pub mod user;
pub mod words;
