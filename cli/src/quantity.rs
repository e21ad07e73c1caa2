//! Amounts as people write and read them
//!
//! Bytes take binary units (`64MiB`), bits a second decimal ones (`10Mbit`), as memory and lines are
//! sold. A bare number is the unit itself.

use crate::failure::Failure;

const BYTES: [(&str, u64); 4] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("B", 1),
];
const BITS: [(&str, u64); 4] = [
    ("kbit", 1_000),
    ("Mbit", 1_000_000),
    ("Gbit", 1_000_000_000),
    ("bit", 1),
];

/// Reads an amount of bytes.
pub(crate) fn bytes(text: &str) -> Result<u64, Failure> {
    parse(text, &BYTES).ok_or_else(|| {
        let rule = "write a whole number with KiB, MiB or GiB, for example 64MiB";
        Failure::Usage(format!("\"{text}\" is not an amount of bytes; {rule}"))
    })
}

/// Reads a rate, bits a second.
pub(crate) fn rate(text: &str) -> Result<u64, Failure> {
    parse(text, &BITS).ok_or_else(|| {
        let rule = "write a whole number with kbit, Mbit or Gbit, for example 10Mbit";
        Failure::Usage(format!("\"{text}\" is not a rate; {rule}"))
    })
}

fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let found = units
        .iter()
        .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)));
    let (digits, factor) = found.unwrap_or((text, 1));
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = digits.parse().ok().filter(|_| plain)?;
    number.checked_mul(factor)
}

/// Bytes for a table: one decimal of the largest unit that fits.
pub(crate) fn show_bytes(bytes: u64) -> String {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let Some((unit, shift)) = units.into_iter().find(|(_, shift)| bytes >> shift > 0) else {
        return format!("{bytes} B");
    };
    let tenths = (u128::from(bytes) * 10) >> shift;
    match tenths % 10 {
        0 => format!("{} {unit}", tenths / 10),
        rest => format!("{}.{rest} {unit}", tenths / 10),
    }
}

/// A rate for a table; 0 is no limit.
pub(crate) fn show_rate(bits: u64) -> String {
    match bits {
        0 => "unlimited".to_owned(),
        _ if bits.is_multiple_of(1_000_000) => format!("{} Mbit/s", bits / 1_000_000),
        _ if bits.is_multiple_of(1_000) => format!("{} kbit/s", bits / 1_000),
        _ => format!("{bits} bit/s"),
    }
}

/// Processor time for a table.
pub(crate) fn show_cpu(microseconds: u64) -> String {
    let milliseconds = microseconds / 1000;
    format!("{}.{:03} s", milliseconds / 1000, milliseconds % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_round_trip() {
        assert_eq!(bytes("64MiB").expect("good"), 64 << 20);
        assert_eq!(bytes("7").expect("good"), 7);
        assert_eq!(rate("10Mbit").expect("good"), 10_000_000);
        assert_eq!(rate("300kbit").expect("good"), 300_000);
        for bad in ["", "MiB", "-1", "1.5MiB", "64MB", "99999999999GiB", "6 MiB"] {
            assert!(bytes(bad).is_err(), "{bad}");
            assert!(rate(bad).is_err(), "{bad}");
        }
        assert_eq!(show_bytes(3 << 20), "3 MiB");
        assert_eq!(show_bytes((3 << 20) + (1 << 19)), "3.5 MiB");
        assert_eq!(show_bytes(u64::MAX), "17179869183.9 GiB");
        assert_eq!(show_rate(10_000_000), "10 Mbit/s");
        assert_eq!(show_cpu(1_234_567), "1.234 s");
    }
}
