//! The registry as a pure state machine: event in, effects out
//!
//! | part | what it knows |
//! |---|---|
//! | [`directory`] | who is who: providers, bundles, what their manifests export |
//! | [`services`] | what is offered, in the order in which it is found |
//! | [`grants`] | who may use whose interface |
//! | [`references`] | who holds what, under which grant |
//! | [`peers`] | connections: whose they are, what waits for them, what they watch |
//! | [`ledger`] | what is charged to whom, and the share rule |
//! | [`filter`] | RFC 1960 filters |
//! | [`registry`] | the transition over all of them |
//!
//! Every table has a fixed bound. Nothing here does I/O.

pub mod directory;
pub mod effect;
pub mod filter;
pub mod grants;
pub mod input;
pub mod ledger;
pub mod peers;
pub mod references;
pub mod registry;
pub mod services;

pub use effect::{Effect, Handover};
pub use input::Input;
pub use registry::Registry;
