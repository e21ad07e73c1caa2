//! The core against a simulated box
//!
//! `house` plays init, limen-install, the broker and the disk; the other files are about one
//! concern each.

mod admission;
mod authorise;
mod bundles;
mod failures;
mod freeze;
mod grants;
pub(crate) mod house;
mod park;
mod promise;
mod random;
mod restart;
mod sound;
mod storage;
mod vgws;

pub(crate) use house::{ENERGY_CA, KEY, contract, summary};
