//! An offer: a service as its bundle describes it

use limen_proto::name::Interface;
use limen_proto::registry::{Properties, Value, Verb, Version};

use crate::error::Error;

/// A service to register. The bundle's manifest must export its interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    interface: Interface,
    version: Version,
    properties: Properties,
}

/// An offer that was made; it stays the same when the broker restarts, unlike the service's
/// number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OfferId(pub(crate) u64);

impl Offer {
    /// An offer without properties.
    pub const fn new(interface: Interface, version: Version) -> Self {
        Self {
            interface,
            version,
            properties: Properties::new(),
        }
    }

    /// Adds a property. Callers filter by them; `service.ranking`, an integer, orders services.
    ///
    /// # Errors
    /// More than 8 properties.
    pub fn property(mut self, name: Interface, value: Value) -> Result<Self, Error> {
        let pushed = self.properties.push((name, value));
        pushed.map_err(|_| Error::TooLong)?;
        Ok(self)
    }

    /// Adds a property that is text of at most 64 bytes.
    ///
    /// # Errors
    /// The text is longer, or there are more than 8 properties.
    pub fn text(self, name: Interface, text: &str) -> Result<Self, Error> {
        let text = text.try_into().map_err(|_| Error::TooLong)?;
        self.property(name, Value::Text(text))
    }

    pub(crate) fn verb(&self) -> Verb {
        Verb::Register {
            interface: self.interface.clone(),
            version: self.version,
            properties: self.properties.clone(),
        }
    }
}
