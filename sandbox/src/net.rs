//! The network of a virtual gateway, from its own crate

pub use limen_net::{
    Counters, Fault, adjust, begin, counters, destroy, finish, open, prepare, set_up_loopback,
};
