//! The inward face: service registry and references
//!
//! [`core`] decides: who may register, find and obtain what, what it is charged to, what a
//! revocation cuts. It knows no descriptor and no clock. [`shell`] is the epoll loop around it: sockets,
//! queues, descriptors. The broker is never in the path of a call: it hands over the two ends of a
//! socket pair and keeps only a duplicate of the service's end, to cut it and to see it end.
//!
//! Normative text: docs/reference/registry.md; the decision: docs/adr/0007-broker.md.

pub mod core;
pub mod shell;
