//! A query: which service is wanted

use limen_proto::name::Interface;
use limen_proto::registry::{Verb, Version};

use crate::error::Error;

/// Which service is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    interface: Interface,
    version: Version,
    filter: String,
}

impl Query {
    /// Services of this interface, the same major version and at least the minor one.
    pub const fn new(interface: Interface, version: Version) -> Self {
        Self {
            interface,
            version,
            filter: String::new(),
        }
    }

    /// Only those whose properties match an RFC 1960 filter, such as `(location=hall)`.
    #[must_use]
    pub fn filter(mut self, filter: &str) -> Self {
        filter.clone_into(&mut self.filter);
        self
    }

    pub(crate) fn verb(&self) -> Result<Verb, Error> {
        Ok(Verb::Find {
            interface: self.interface.clone(),
            version: self.version,
            filter: self
                .filter
                .as_str()
                .try_into()
                .map_err(|_| Error::TooLong)?,
        })
    }
}
