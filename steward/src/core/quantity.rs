//! Numbers as people read them
//!
//! A refusal names the numbers; bytes are shown in the largest binary unit that keeps them exact
//! enough to act on.

/// Bytes: exact below 1 KiB and for whole units, otherwise with one decimal.
pub fn bytes(count: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    for (size, unit) in UNITS {
        if count >= size {
            let tenths = u128::from(count) * 10 / u128::from(size);
            return if count.is_multiple_of(size) {
                format!("{} {unit}", count / size)
            } else {
                format!("{}.{} {unit}", tenths / 10, tenths % 10)
            };
        }
    }
    format!("{count} bytes")
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_read_well() {
        for (count, text) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1024, "1 KiB"),
            (1536, "1.5 KiB"),
            (64 << 20, "64 MiB"),
            (u64::MAX, "17179869183.9 GiB"),
        ] {
            assert_eq!(bytes(count), text);
        }
    }
}
