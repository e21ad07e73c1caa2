//! What a telegram says
//!
//! Data lines are `reference(value)`; those that this service has no use for are skipped, unread.
//! Energy and power are fixed-point text in kilowatt-hours and kilowatts.

use super::clock;

/// What one telegram says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telegram {
    /// The meter's own number.
    pub meter: String,
    /// The meter's clock, seconds since 1970.
    pub time: u64,
    /// Power drawn, watts.
    pub delivered_w: u32,
    /// Power given back, watts.
    pub returned_w: u32,
    /// Energy drawn, watt-hours: low tariff, normal tariff.
    pub delivered_wh: [u64; 2],
    /// Energy given back, watt-hours: low tariff, normal tariff.
    pub returned_wh: [u64; 2],
    /// Tariff that applies now.
    pub tariff: u8,
}

/// A telegram without damage that does not say what it must.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TelegramError {
    /// It is not text.
    #[error("telegram is not text")]
    NotText,
    /// A line that every meter sends is not there.
    #[error("telegram without line {0}")]
    Missing(&'static str),
    /// A value is not of the form that its line has.
    #[error("unreadable value in line {0}")]
    Value(&'static str),
}

pub(super) const TIME: &str = "0-0:1.0.0";
pub(super) const METER: &str = "0-0:96.1.1";
pub(super) const DELIVERED: [&str; 2] = ["1-0:1.8.1", "1-0:1.8.2"];
pub(super) const RETURNED: [&str; 2] = ["1-0:2.8.1", "1-0:2.8.2"];
pub(super) const TARIFF: &str = "0-0:96.14.0";
pub(super) const POWER_DELIVERED: &str = "1-0:1.7.0";
pub(super) const POWER_RETURNED: &str = "1-0:2.7.0";

impl Telegram {
    /// Reads the bytes from `/` to `!`.
    ///
    /// # Errors
    /// Power drawn, time or the meter's number is missing, or a value cannot be read. Meters
    /// without solar panels may leave out what they never count.
    pub fn read(bytes: &[u8]) -> Result<Self, TelegramError> {
        let text = std::str::from_utf8(bytes).map_err(|_| TelegramError::NotText)?;
        let lines = Lines(text);
        let energy = |line| lines.optional(line, |value| thousandths(value, "kWh"));
        let power = |line| {
            let watts = lines.optional(line, |value| thousandths(value, "kW"))?;
            watts
                .map(u32::try_from)
                .transpose()
                .map_err(|_| TelegramError::Value(line))
        };
        let both = |[low, normal]: [&'static str; 2]| {
            Ok([energy(low)?.unwrap_or(0), energy(normal)?.unwrap_or(0)])
        };
        Ok(Self {
            meter: lines.required(METER, equipment)?,
            time: lines.required(TIME, clock::read)?,
            delivered_w: power(POWER_DELIVERED)?.ok_or(TelegramError::Missing(POWER_DELIVERED))?,
            returned_w: power(POWER_RETURNED)?.unwrap_or(0),
            delivered_wh: both(DELIVERED)?,
            returned_wh: both(RETURNED)?,
            tariff: lines
                .optional(TARIFF, |value| value.parse().ok())?
                .unwrap_or(0),
        })
    }
}

struct Lines<'a>(&'a str);

impl Lines<'_> {
    fn optional<T>(
        &self,
        reference: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, TelegramError> {
        let value = self.0.lines().find_map(|line| {
            let value = line.strip_prefix(reference)?.strip_prefix('(')?;
            Some(value.strip_suffix(')').unwrap_or_default())
        });
        let read = |text| read(text).ok_or(TelegramError::Value(reference));
        value.map(read).transpose()
    }

    fn required<T>(
        &self,
        reference: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<T, TelegramError> {
        self.optional(reference, read)?
            .ok_or(TelegramError::Missing(reference))
    }
}

/// `001234.567*kWh` is 1234567.
fn thousandths(value: &str, unit: &str) -> Option<u64> {
    let number = value.strip_suffix(unit)?.strip_suffix('*')?;
    let (whole, fraction) = number.split_once('.')?;
    let digits = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
    if fraction.len() != 3 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    whole.checked_mul(1000)?.checked_add(fraction.parse().ok()?)
}

/// Two hexadecimal digits a character, printable ASCII.
fn equipment(value: &str) -> Option<String> {
    if !value.len().is_multiple_of(2) || !value.is_ascii() {
        return None;
    }
    (0..value.len())
        .step_by(2)
        .map(|at| {
            let byte = u8::from_str_radix(value.get(at..at + 2)?, 16).ok()?;
            let character = char::from(byte);
            (character.is_ascii_graphic()).then_some(character)
        })
        .collect()
}
