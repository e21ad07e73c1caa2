//! The virtual-machine harness, scenarios and architecture rules
//!
//! A scenario drives an emulated gateway from outside only: limenctl, HTTPS, the published ports,
//! the serial log, the emulator's power switch. What it asserts is what an operator, a provider or
//! somebody on the network would see. The gateway under test is made by `cargo xtask run`, the way a
//! newcomer makes it.
//!
//! | module | noun |
//! | --- | --- |
//! | [`gateway`] | an emulated box: boot, power cut, orderly end, serial log |
//! | [`bystander`] | who watches while others are attacked |
//! | [`console`] | limenctl with somebody's certificate |
//! | [`bundle`] | bundles made for a scenario: hostile, broken, foreign |
//! | [`manifest`] | what a scenario's bundle says of itself |
//! | [`disk`] | the data disk of a box that does not run, damaged on purpose |
//! | [`mqtt`] | a message broker, spoken to as any client would |
//! | [`page`] | a published port, asked as a browser would |
//! | [`patience`] | waiting for what must come, with a bound |
//! | [`scenario`] | the scenarios themselves, and their order |

pub mod bundle;
pub mod bystander;
pub mod console;
pub mod disk;
pub mod gateway;
pub mod manifest;
pub mod mqtt;
mod narrow;
pub mod page;
pub mod patience;
pub mod scenario;
mod spin;
