//! The shell: sockets, the state file and the box around the pure core
//!
//! | part | what it owns |
//! | --- | --- |
//! | `serve` | the loop: wait, read, let the core decide, carry out |
//! | `read` | what arrives, turned into inputs |
//! | `effects` | what the core decided, carried out |
//! | `link` | one socket and what waits to be sent on it |
//! | `hand` | the channels and streams of limen-install |
//! | `world` | what the core asks and needs answered at once |
//! | `gauge` | reading the box: memory, processors, disk, use of a unit |
//! | `facts` | what the image and the boot say of the box |
//! | `log` | lines on standard error |
//!
//! One thread. The set of sockets is small and follows from the state, so it is polled as it is and
//! not kept in a second place. No peer is waited for: what a peer does not take is queued, and a peer
//! that lets too much queue loses its link.

mod effects;
mod error;
pub mod facts;
mod gauge;
mod hand;
mod kernel_log;
mod link;
mod log;
mod read;
mod serve;
mod world;

#[cfg(test)]
mod tests;

pub use error::ShellError;
pub use gauge::Places;
pub use log::line;
pub use serve::{Config, Shell};
