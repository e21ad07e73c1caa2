//! The meter's clock: `YYMMDDhhmmssX`
//!
//! Local time of its country with `S` for summer (two hours ahead of UTC) or `W` for winter (one
//! hour ahead). Years are those of this century. Days are counted by the civil-date formula of Howard
//! Hinnant, "chrono-Compatible Low-Level Date Algorithms".

/// Seconds since 1970 of a time as the meter writes it.
pub fn read(text: &str) -> Option<u64> {
    let (digits, season) = text.split_at_checked(12)?;
    let ahead = match season {
        "S" => 7200,
        "W" => 3600,
        _ => return None,
    };
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let part = |at: usize| digits.get(at..at + 2)?.parse::<i64>().ok();
    let (year, month, day) = (2000 + part(0)?, part(2)?, part(4)?);
    let (hour, minute, second) = (part(6)?, part(8)?, part(10)?);
    let fits = (1..=12).contains(&month) && (1..=31).contains(&day);
    if !fits || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    u64::try_from(seconds - ahead).ok()
}

/// A time as the meter writes it in winter. Only this century can be written.
pub fn write(time: u64) -> String {
    let local = time + 3600;
    let (days, second) = (local / 86_400, local % 86_400);
    let (year, month, day) = date(days);
    format!(
        "{:02}{month:02}{day:02}{:02}{:02}{:02}W",
        year % 100,
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

/// Days from 1970-01-01 to a date; eras of 400 years begin in March.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date that is so many days after 1970-01-01.
const fn date(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = (shifted_month + 2) % 12 + 1;
    let next = if month <= 2 { 1 } else { 0 };
    (year + era * 400 + next, month, day)
}
