//! A packed list of words: command lines, environments, paths
//!
//! NUL-terminated words one behind the other in one bounded buffer, as execve(2) wants them.
//! Holding a `Words` proves that every word is UTF-8 without NUL and that the whole fits
//! [`WORDS`](crate::limits::WORDS) bytes. Checked again whenever one arrives in a message.

use core::fmt;

use heapless::String;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::limits::WORDS;

/// The words do not fit, or one of them holds a NUL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("words must be free of NUL and fit {WORDS} bytes together")]
pub struct WordsError;

/// A bounded list of words.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Words(String<WORDS>);

impl Words {
    /// No words.
    pub const fn new() -> Self {
        Self(String::new())
    }

    /// Appends one word.
    ///
    /// # Errors
    /// The word holds a NUL or does not fit; the list is as before.
    pub fn push(&mut self, word: &str) -> Result<(), WordsError> {
        if word.contains('\0') || self.0.len() + word.len() + 1 > WORDS {
            return Err(WordsError);
        }
        self.0
            .push_str(word)
            .and_then(|()| self.0.push('\0'))
            .map_err(|_| WordsError)
    }

    /// Collects words.
    ///
    /// # Errors
    /// As [`Words::push`].
    pub fn collect<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, WordsError> {
        let mut list = Self::new();
        words.into_iter().try_for_each(|word| list.push(word))?;
        Ok(list)
    }

    /// The words in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split_terminator('\0')
    }

    /// Whether there is no word.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.iter()).finish()
    }
}

impl Serialize for Words {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::<WORDS>::deserialize(from)?;
        if text.is_empty() || text.ends_with('\0') {
            Ok(Self(text))
        } else {
            Err(de::Error::custom(WordsError))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_order_and_bounds() {
        let words = Words::collect(["/bin/sh", "", "-c"]).unwrap();
        assert!(words.iter().eq(["/bin/sh", "", "-c"]));
        assert!(Words::collect(["a\0b"]).is_err());
        let mut full = Words::collect([core::str::from_utf8(&[b'x'; 1000]).unwrap()]).unwrap();
        assert_eq!(full.push("0123456789012345678901234"), Err(WordsError));
        assert_eq!(full.iter().count(), 1);
    }
}
