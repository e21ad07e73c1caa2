//! The inner user: whom a bundle's program believes to be
//!
//! A name of the bundle's own `/etc/passwd`, or a number. Holding one proves its shape: a name that
//! begins with a letter or an underscore and has at most 32 letters, digits, hyphens, underscores;
//! or a number from 1 to 65533 (65534 is nobody, whose files belong to no one).

use core::fmt;
use core::str::FromStr;

use heapless::String;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::limits::NAME;

/// Highest number.
const HIGHEST: u16 = 65_533;

/// A user inside a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum InnerUser {
    /// By its number.
    Number(u16),
    /// By its name in the bundle's `/etc/passwd`.
    Name(String<NAME>),
}

/// A text is not a user inside a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a user is a name of at most {NAME} letters, digits, hyphens and underscores, or a number from 1 to {HIGHEST}"
)]
pub struct NotAUser;

impl FromStr for InnerUser {
    type Err = NotAUser;

    fn from_str(text: &str) -> Result<Self, NotAUser> {
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            let number = text.parse::<u16>().ok();
            let number = number.filter(|number| (1..=HIGHEST).contains(number));
            let number = number.filter(|_| !text.starts_with('0'));
            return number.map(Self::Number).ok_or(NotAUser);
        }
        let begins = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if !begins || !text.bytes().all(plain) {
            return Err(NotAUser);
        }
        String::try_from(text).map(Self::Name).map_err(|_| NotAUser)
    }
}

impl fmt::Display for InnerUser {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => fmt::Display::fmt(number, out),
            Self::Name(name) => out.write_str(name),
        }
    }
}

impl Serialize for InnerUser {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for InnerUser {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::<NAME>::deserialize(from)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_names_or_numbers() {
        assert_eq!("101".parse(), Ok(InnerUser::Number(101)));
        for name in ["mosquitto", "_apt", "Debian-exim", "www-data"] {
            assert!(matches!(name.parse(), Ok(InnerUser::Name(_))), "{name}");
        }
        let long = "a12345678901234567890123456789012";
        for bad in [
            "", "0", "007", "65534", "65536", "-1", "1a", "a b", "a:b", "é", long,
        ] {
            assert_eq!(bad.parse::<InnerUser>(), Err(NotAUser), "{bad}");
        }
    }
}
