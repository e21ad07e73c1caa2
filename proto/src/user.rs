//! The inner user: whom a bundle's program believes to be
//!
//! A name, which is made to mean the bundle's own number in its `/etc/passwd`. Never a number: those
//! are the gateway's to give, one to each bundle. Holding one proves its shape: it begins with a letter
//! or an underscore and has at most 32 letters, digits, hyphens, underscores.

use core::fmt;
use core::str::FromStr;

use heapless::String;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::limits::NAME;

/// The name of a user inside a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct InnerUser(String<NAME>);

/// A text is not the name of a user inside a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAUser {
    /// It has another form.
    #[error(
        "a user is a name of at most {NAME} letters, digits, hyphens and underscores that does not begin with a digit or hyphen"
    )]
    Form,
    /// It is a number.
    #[error(
        "a user is a name, not a number: the gateway chooses each bundle's number, and the name is made to mean it; take the name from the program's /etc/passwd"
    )]
    Number,
}

impl InnerUser {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for InnerUser {
    type Err = NotAUser;

    fn from_str(text: &str) -> Result<Self, NotAUser> {
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotAUser::Number);
        }
        let begins = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if !begins || !text.bytes().all(plain) {
            return Err(NotAUser::Form);
        }
        String::try_from(text).map(Self).map_err(|_| NotAUser::Form)
    }
}

impl fmt::Display for InnerUser {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
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
    fn users_are_names() {
        for name in ["mosquitto", "_apt", "Debian-exim", "www-data"] {
            assert_eq!(name.parse::<InnerUser>().unwrap().as_str(), name);
        }
        let long = "a12345678901234567890123456789012";
        for bad in ["", "-1", "1a", "a b", "a:b", "é", long] {
            assert_eq!(bad.parse::<InnerUser>(), Err(NotAUser::Form), "{bad}");
        }
        for number in ["0", "101", "65534", "007"] {
            assert_eq!(number.parse::<InnerUser>(), Err(NotAUser::Number));
        }
    }
}
