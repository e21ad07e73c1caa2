//! What a provider's program links against: register, find, serve, call
//!
//! A bundle speaks to the broker on `/run/limen/broker` and, once it holds a reference, straight
//! to the service. Everything here blocks and needs no runtime.
//!
//! A service:
//!
//! ```no_run
//! use limen_sdk::{CallError, Caller, Offer, Server, Version, answer, ready};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut server = Server::connect()?;
//! let offer = Offer::new("home.greeting".parse()?, Version { major: 1, minor: 0 });
//! server.offer(offer, |caller: &Caller, method: u16, arguments: &[u8]| match method {
//!     0 => answer(arguments, |name: String| {
//!         Ok(format!("hello {name}, says {} to {}", "home", caller.provider))
//!     }),
//!     _ => Err(CallError::Method),
//! })?;
//! ready()?;
//! server.run()?;
//! # Ok(())
//! # }
//! ```
//!
//! Its caller, in another bundle, which needs a grant when that is another provider's:
//!
//! ```no_run
//! use limen_sdk::{Broker, Error, Query, Version};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut broker = Broker::connect()?;
//! let query = Query::new("home.greeting".parse()?, Version { major: 1, minor: 0 });
//! let mut greeting = broker.obtain(&query)?;
//! match greeting.call::<_, String>(0, "Ann") {
//!     Ok(text) => println!("{text}"),
//!     Err(Error::HungUp) => println!("cut: revoked, or the service ended; obtain it again"),
//!     Err(other) => return Err(other.into()),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! What to know:
//!
//! - A service that may not be used looks like one that does not exist.
//! - A reference outlives the broker. The connection to the broker is made anew by itself, and
//!   offers and watches are repeated; services then have new numbers.
//! - Whoever holds a reference sees the other side end as [`Error::HungUp`].
//! - Closing is announced with shutdown(2): the broker holds a duplicate of a service's end.
//!
//! Normative text: docs/reference/registry.md and docs/reference/calls.md.

mod body;
mod broker;
mod error;
mod line;
mod offer;
mod query;
mod readiness;
mod reference;
mod server;
mod service;
#[cfg(test)]
mod tests;

pub use body::answer;
pub use broker::{Broker, Event, Incoming};
pub use error::Error;
pub use limen_proto::calls::CallError;
pub use limen_proto::name::{Interface, Name, NameError};
pub use limen_proto::registry::{
    Caller, Properties, RegistryError, Service as Found, Value, Version,
};
pub use offer::{Offer, OfferId};
pub use query::Query;
pub use readiness::{ready, status, stopping};
pub use reference::Reference;
pub use server::Server;
pub use service::Service;
