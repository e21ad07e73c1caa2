//! The outward face: managed objects over HTTPS
//!
//! mgmt maps a client certificate to a role and speaks HTTP; it decides nothing and keeps nothing.
//! From the wire inwards:
//!
//! | module | what it does |
//! | --- | --- |
//! | [`serve`] | connections: who may come in, how long, how much |
//! | [`tls`] | the handshake, and whose certificate it was |
//! | [`jolokia`] | the protocol: requests, answers, errors |
//! | [`object`] | what can be managed, as tables |
//! | [`steward`] | the calls that come of it |
//! | [`control`] | what init hands in: the listener, the link to the steward |
//! | [`link`] | frames on the runtime |
//!
//! Everything runs on one thread. The program has no network but the listener that it inherits, and
//! no file: its certificate and key arrive from the steward and stay in memory.

pub mod control;
pub mod jolokia;
pub mod link;
pub mod object;
pub mod serve;
pub mod steward;
pub mod tls;
