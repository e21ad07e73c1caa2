//! Amounts of bytes as people write them: `16MiB`.
//!
//! Whole numbers with a binary unit, and no others: `16MB` would leave open whose megabyte is meant.

use std::fmt;
use std::str::FromStr;

/// An amount of bytes, above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(u64);

/// A text is not an amount of bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not an amount of bytes; write a whole number above zero with KiB, MiB or GiB, for example \"16MiB\""
)]
pub struct NotASize(String);

const UNITS: [(&str, u32); 3] = [("KiB", 10), ("MiB", 20), ("GiB", 30)];

impl Size {
    /// The amount in bytes.
    #[must_use]
    pub fn bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for Size {
    type Err = NotASize;

    fn from_str(text: &str) -> Result<Self, NotASize> {
        let refused = || NotASize(crate::quote::quoted(text));
        let (digits, shift) = UNITS
            .iter()
            .find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, *shift)))
            .ok_or_else(refused)?;
        let canonical =
            !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number: u64 = digits
            .parse()
            .ok()
            .filter(|_| canonical)
            .ok_or_else(refused)?;
        number.checked_mul(1 << shift).map(Self).ok_or_else(refused)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match UNITS
            .iter()
            .rev()
            .find(|(_, shift)| self.0.trailing_zeros() >= *shift)
        {
            Some((unit, shift)) => write!(f, "{}{unit}", self.0 >> shift),
            None => write!(f, "{} bytes", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_binary_and_round_trip() {
        for (text, bytes) in [("1KiB", 1024), ("16MiB", 16 << 20), ("3GiB", 3 << 30)] {
            let size: Size = text.parse().expect("a size");
            assert_eq!((size.bytes(), size.to_string()), (bytes, text.to_owned()));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "16",
            "16MB",
            "0MiB",
            "01MiB",
            "+1MiB",
            "-1MiB",
            "1.5MiB",
            "1 MiB",
            "99999999999GiB",
            "MiB",
        ] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }
}
