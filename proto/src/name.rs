//! Names: providers, bundles, volumes, interfaces
//!
//! Holding a `Name` proves that it is 1 to 32 bytes of lower-case letters, digits and hyphens and
//! begins with a letter: safe as a file name, a host name, a label of an object name and a line of
//! a log. An `Interface` also allows dots and is at most 64 bytes. Both are checked again whenever
//! they arrive in a message.

use core::fmt;
use core::str::FromStr;

use heapless::String;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::limits::{INTERFACE, NAME};

/// Why a text is not a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing there.
    #[error("a name must not be empty")]
    Empty,
    /// More than `0` bytes.
    #[error("a name has at most {0} bytes")]
    TooLong(usize),
    /// The first character is not a lower-case letter, or the last one is a separator.
    #[error("a name begins with a lower-case letter and ends with a letter or digit")]
    Edge,
    /// A character outside the set.
    #[error("a name has only lower-case letters, digits and hyphens (an interface also dots)")]
    Character,
}

fn check(text: &str, limit: usize, dots: bool) -> Result<(), NameError> {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return Err(NameError::Empty);
    };
    if bytes.len() > limit {
        return Err(NameError::TooLong(limit));
    }
    if !first.is_ascii_lowercase() || !(last.is_ascii_lowercase() || last.is_ascii_digit()) {
        return Err(NameError::Edge);
    }
    let fits = |byte: &u8| {
        byte.is_ascii_lowercase()
            || byte.is_ascii_digit()
            || *byte == b'-'
            || (dots && *byte == b'.')
    };
    if bytes.iter().all(fits) {
        Ok(())
    } else {
        Err(NameError::Character)
    }
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $limit:expr, $dots:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String<{ $limit }>);

        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                check(text, $limit, $dots)?;
                String::try_from(text).map(Self).map_err(|_| NameError::TooLong($limit))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), out)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = String::<{ $limit }>::deserialize(from)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

name_type!(
    /// The name of a provider, bundle, volume, port or device class.
    Name, NAME, false
);
name_type!(
    /// The name of a service's interface, such as `energy.meter`.
    Interface, INTERFACE, true
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for good in ["a", "core", "energy-2", "x0"] {
            assert!(good.parse::<Name>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a/b", "..", "a b", "a.b", "é", "0a"] {
            assert!(bad.parse::<Name>().is_err(), "{bad}");
        }
        assert!("energy.meter".parse::<Interface>().is_ok());
        assert!(".meter".parse::<Interface>().is_err());
    }
}
