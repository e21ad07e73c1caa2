//! The registry protocol: broker and bundles
//!
//! Spoken on `/run/limen/broker` inside every bundle. The broker knows who a peer is by the
//! socket on which it arrived; nothing that a peer says of itself is believed. What a bundle may
//! not see is absent. Normative text: docs/reference/registry.md.

use heapless::{String, Vec};
use serde::{Deserialize, Serialize};

use crate::name::{Interface, Name};

/// Where a bundle finds its broker.
pub const BROKER_PATH: &str = "/run/limen/broker";

/// Most properties of a service.
pub const PROPERTIES: usize = 8;
/// Longest value of a property, bytes.
pub const VALUE: usize = 64;
/// Most services in one answer.
pub const FOUND: usize = 16;
/// Longest filter, bytes.
pub const FILTER: usize = 256;

/// A typed property of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Value {
    /// Text.
    Text(String<VALUE>),
    /// A whole number.
    Integer(i64),
    /// Yes or no.
    Boolean(bool),
}

/// A service's properties.
pub type Properties = Vec<(Interface, Value), PROPERTIES>;

/// Major and minor version of an interface; a lookup matches the same major and a minor at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Version {
    /// Breaks callers when it changes.
    pub major: u16,
    /// Only adds.
    pub minor: u16,
}

/// A bundle's request. `id` comes back in the reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Chosen by the sender.
    pub id: u32,
    /// What is asked.
    pub verb: Verb,
}

/// What a bundle may ask of the broker.
#[allow(
    clippy::large_enum_variant,
    reason = "bounded by its frame; no allocation per message"
)]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verb {
    /// Offer a service; its manifest must export the interface.
    Register {
        /// Interface.
        interface: Interface,
        /// Its version.
        version: Version,
        /// Its properties. `service.ranking` is an integer; higher is found first.
        properties: Properties,
    },
    /// Withdraw a service of one's own: every reference to it is cut.
    Unregister {
        /// Which.
        service: u64,
    },
    /// List services that one may use.
    Find {
        /// Interface.
        interface: Interface,
        /// Least version.
        version: Version,
        /// RFC 1960 filter over properties; empty is all.
        filter: String<FILTER>,
    },
    /// Obtain a reference to a service.
    Get {
        /// Which.
        service: u64,
    },
    /// Be told of services of this interface as they come and go, those that are there first.
    Watch {
        /// Interface.
        interface: Interface,
    },
}

/// What the broker tells a bundle.
#[allow(
    clippy::large_enum_variant,
    reason = "bounded by its frame; no allocation per message"
)]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The answer to a request.
    Reply {
        /// Of the request.
        id: u32,
        /// The outcome.
        result: Result<Answer, RegistryError>,
    },
    /// A caller obtained a reference to one's service; its socket rides with this.
    Incoming {
        /// The service.
        service: u64,
        /// The broker's number of the reference.
        reference: u64,
        /// Who calls.
        caller: Caller,
    },
    /// A watched interface: a service that one may use appeared.
    Appeared(Service),
    /// A watched interface: a service that one could use is gone.
    Disappeared {
        /// Which.
        service: u64,
    },
}

/// Who holds the other end of a reference. Said by the broker, so it is true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// Its provider.
    pub provider: Name,
    /// Its bundle.
    pub bundle: Name,
}

/// A service that one may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Never reused.
    pub id: u64,
    /// Whose it is.
    pub provider: Name,
    /// Its interface.
    pub interface: Interface,
    /// Its version.
    pub version: Version,
    /// Its properties.
    pub properties: Properties,
}

/// A good outcome.
#[allow(
    clippy::large_enum_variant,
    reason = "bounded by its frame; no allocation per message"
)]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Done.
    Done,
    /// The service's number.
    Registered(u64),
    /// Services, best first. As many as fit the frame.
    Found(Vec<u64, FOUND>),
    /// The reference's socket rides with this.
    Reference {
        /// The broker's number of the reference.
        reference: u64,
        /// What was obtained.
        service: Service,
    },
}

/// Why the broker refused. What may not be seen is `NotFound`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum RegistryError {
    /// The frame was not a request: the connection is closed behind this.
    #[error("the broker could not read the request")]
    Malformed,
    /// No such service, or not for this bundle.
    #[error("no such service")]
    NotFound,
    /// The manifest does not export that interface.
    #[error("the manifest does not export that interface: add it under [[exports]]")]
    NotExported,
    /// The bundle's share of the broker is used up.
    #[error("too many services, references or requests for one bundle")]
    Quota,
    /// The filter cannot be read.
    #[error("the filter is not of RFC 1960 form")]
    Filter,
    /// The serving bundle does not take it now; try again.
    #[error("the service is busy")]
    Busy,
    /// A property is named twice, or is one that the broker sets itself.
    #[error(
        "a property is named twice or is the broker's own: service.id, objectclass, service.provider"
    )]
    Property,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{decode, encode};
    use crate::limits::REGISTRY_FRAME;

    /// docs/reference/registry.md is written from these bytes.
    #[test]
    fn the_bytes_are_those_of_the_reference() {
        let mut space = [0; REGISTRY_FRAME];
        let interface: Interface = "a.b".parse().unwrap();
        let version = Version { major: 1, minor: 0 };
        let properties = Properties::from_iter([(interface.clone(), Value::Integer(-2))]);
        let verb = Verb::Register {
            interface: interface.clone(),
            version,
            properties,
        };
        let register = encode(&Request { id: 7, verb }, &mut space).unwrap();
        assert_eq!(register, b"\x01\x07\x00\x03a.b\x01\x00\x01\x03a.b\x01\x03");
        let verb = Verb::Get { service: 300 };
        let get = encode(&Request { id: 7, verb }, &mut space).unwrap();
        assert_eq!(get, b"\x01\x07\x03\xac\x02");
        let refusal = Event::Reply {
            id: 7,
            result: Err(RegistryError::NotFound),
        };
        assert_eq!(
            encode(&refusal, &mut space).unwrap(),
            b"\x01\x00\x07\x01\x01"
        );
    }

    #[test]
    fn the_largest_event_fits_its_frame() {
        let long: Interface = core::str::from_utf8(&[b'a'; 64]).unwrap().parse().unwrap();
        let name: Name = core::str::from_utf8(&[b'a'; 32]).unwrap().parse().unwrap();
        let text = String::try_from(core::str::from_utf8(&[b'v'; VALUE]).unwrap()).unwrap();
        let service = Service {
            id: u64::MAX,
            provider: name,
            interface: long.clone(),
            version: Version {
                major: u16::MAX,
                minor: u16::MAX,
            },
            properties: (0..PROPERTIES)
                .map(|_| (long.clone(), Value::Text(text.clone())))
                .collect(),
        };
        let reply = Event::Reply {
            id: u32::MAX,
            result: Ok(Answer::Reference {
                reference: u64::MAX,
                service,
            }),
        };
        let mut space = [0; REGISTRY_FRAME];
        let frame = encode(&reply, &mut space).unwrap();
        assert_eq!(decode::<Event>(frame), Ok(reply));
    }
}
