//! The network of a virtual gateway, from its own crate

pub use limen_net::{Fault, adjust, build, destroy, prepare};
