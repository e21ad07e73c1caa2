//! The core against a world that is made up: no kernel, no clock
//!
//! `world` is the other side of the effects, `machine` reads the table field by field, `scenarios`
//! tells the stories that a person would ask about, `random` tells a hundred thousand others.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that panics is a test that fails"
)]

mod adjust;
mod freeze;
mod machine;
mod park;
mod precedence;
mod queue;
mod random;
mod scenarios;
mod spares;
mod world;
