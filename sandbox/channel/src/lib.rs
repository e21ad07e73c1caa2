//! Frames and descriptors over SOCK_SEQPACKET sockets
//!
//! Every link of the box is a connected AF_UNIX socket of the packet kind: one frame of
//! `limen_proto::frame` is one packet, and descriptors ride on the packet that names them. A
//! [`Channel`] owns such a socket, a [`Listener`] accepts them, [`inherited`] takes what a parent
//! left at a known number.
//!
//! Nothing here allocates (but [`Listener::bind`] and [`Channel::connect`], which take paths), so
//! PID 1 can use all of it. A packet that was cut short, in bytes or in descriptors, is an error,
//! never a message. The crate deliberately knows no protocol: which messages travel, and who may
//! send them, is their owners' business.

#![forbid(unsafe_code)]

mod channel;
mod error;
mod inherited;
mod listener;

pub use channel::{Buffer, Channel, Descriptors};
pub use error::ChannelError;
pub use inherited::inherited;
pub use listener::Listener;

#[cfg(test)]
mod tests;
