//! Services: what is offered
//!
//! A service lives as long as the connection that registered it. Its number is never reused. It
//! is found by higher `service.ranking` first, then by lower number; a ranking that is missing or not an
//! integer is 0.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use limen_proto::id::{Slot, UnitRef};
use limen_proto::name::Interface;
use limen_proto::registry::{Properties, Value, Version};

use super::peers::PeerId;

/// The property that orders services.
pub const RANKING: &str = "service.ranking";
/// Attributes that the broker itself gives to every service; no bundle may set them.
pub const RESERVED: [&str; 3] = ["service.id", "objectclass", "service.provider"];

/// A service on offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The connection that registered it.
    pub peer: PeerId,
    /// The life of the bundle that serves it.
    pub unit: UnitRef,
    /// Whose it is.
    pub slot: Slot,
    /// Interface.
    pub interface: Interface,
    /// Its version.
    pub version: Version,
    /// Properties, as registered.
    pub properties: Properties,
}

impl Offer {
    fn ranking(&self) -> i64 {
        self.properties
            .iter()
            .find_map(|(name, value)| match value {
                Value::Integer(ranking) if name.as_str() == RANKING => Some(*ranking),
                _ => None,
            })
            .unwrap_or(0)
    }

    /// The registered property of this name, without regard to case.
    pub fn property(&self, name: &str) -> Option<Value> {
        self.properties
            .iter()
            .find(|(key, _)| key.as_str().eq_ignore_ascii_case(name))
            .map(|(_, value)| value.clone())
    }

    fn serves(&self, wanted: Version) -> bool {
        self.version.major == wanted.major && self.version.minor >= wanted.minor
    }
}

/// Whether properties can be registered: no name twice, none of the broker's own.
pub fn are_proper(properties: &Properties) -> bool {
    properties.iter().enumerate().all(|(place, (name, _))| {
        !RESERVED.contains(&name.as_str())
            && properties
                .iter()
                .take(place)
                .all(|(other, _)| other != name)
    })
}

/// All services by number. Bounded by the ledger of the registry.
#[derive(Debug, Clone, Default)]
pub struct Services {
    offers: BTreeMap<u64, Offer>,
}

impl Services {
    /// Adds a service under a number that was never used.
    pub fn add(&mut self, id: u64, offer: Offer) {
        self.offers.insert(id, offer);
    }

    /// Removes a service.
    pub fn remove(&mut self, id: u64) -> Option<Offer> {
        self.offers.remove(&id)
    }

    /// One service.
    pub fn get(&self, id: u64) -> Option<&Offer> {
        self.offers.get(&id)
    }

    /// Numbers of the services that a connection registered, or a life of a bundle.
    pub fn of(&self, mut mine: impl FnMut(&Offer) -> bool) -> Vec<u64> {
        self.offers
            .iter()
            .filter(|(_, offer)| mine(offer))
            .map(|(id, _)| *id)
            .collect()
    }

    /// Services of an interface in the order in which they are found. No version means any.
    pub fn ranked(&self, interface: &Interface, wanted: Option<Version>) -> Vec<(u64, &Offer)> {
        let mut found: Vec<_> = self
            .offers
            .iter()
            .filter(|(_, offer)| offer.interface == *interface)
            .filter(|(_, offer)| wanted.is_none_or(|version| offer.serves(version)))
            .map(|(id, offer)| (*id, offer))
            .collect();
        found.sort_by_key(|(id, offer)| (Reverse(offer.ranking()), *id));
        found
    }
}
