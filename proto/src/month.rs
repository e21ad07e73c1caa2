//! Calendar months, in UTC

use core::fmt;

use serde::{Deserialize, Serialize};

/// A calendar month of the Gregorian calendar, UTC: months since January of the year 0.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Month(pub u32);

impl Month {
    /// The month of a second since 1970.
    pub fn of(seconds: u64) -> Self {
        // Days since 1 March of the year 0, from where leap days are the last of their year
        // (Hinnant, "chrono-compatible low-level date algorithms").
        let days = seconds / 86_400 + 719_468;
        let era = days / 146_097;
        let day = days % 146_097;
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let march = (5 * day + 2) / 153;
        let months = (era * 400 + year) * 12 + march + 2;
        Self(u32::try_from(months).unwrap_or(u32::MAX))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04}-{:02}", self.0 / 12, self.0 % 12 + 1)
    }
}

#[cfg(test)]
mod tests {
    extern crate alloc;

    use alloc::string::ToString as _;

    use super::*;

    #[test]
    fn months_are_those_of_the_calendar() {
        for (seconds, month) in [
            (0, "1970-01"),
            (951_782_399, "2000-02"),
            (951_868_799, "2000-02"),
            (951_868_800, "2000-03"),
            (1_735_689_599, "2024-12"),
            (1_735_689_600, "2025-01"),
            (1_772_323_199, "2026-02"),
            (1_772_323_200, "2026-03"),
            (4_107_542_399, "2100-02"),
            (4_107_542_400, "2100-03"),
        ] {
            assert_eq!(Month::of(seconds).to_string(), month, "{seconds}");
        }
        assert_eq!(
            Month::of(u64::MAX),
            Month(u32::MAX),
            "later than can be told"
        );
    }

    #[test]
    fn a_day_later_is_the_same_month_or_the_next() {
        let mut earlier = Month::of(0);
        for day in 1..150_000 {
            let month = Month::of(day * 86_400);
            assert!(month.0 - earlier.0 <= 1);
            earlier = month;
        }
        assert_eq!(earlier.to_string(), "2380-09");
    }
}
