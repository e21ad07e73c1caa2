//! The interface `energy.meter` 1.0
//!
//! What the meter's bundle publishes for other providers' programs: method numbers and types.
//! Bodies are postcard.

use limen_sdk::Version;
use serde::{Deserialize, Serialize};

/// Its name.
pub const INTERFACE: &str = "energy.meter";
/// Its version.
pub const VERSION: Version = Version { major: 1, minor: 0 };

/// `reading() -> Option<Reading>`: the last good telegram; none before the first.
pub const READING: u16 = 0;
/// `reception() -> Reception`: how well the port is heard.
pub const RECEPTION: u16 = 1;

/// What the meter said last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// The meter's own number.
    pub meter: String,
    /// When it said so by its own clock, seconds since 1970.
    pub time: u64,
    /// How long ago that was by the gateway's clock, milliseconds. A meter that went quiet is
    /// told by this.
    pub age_ms: u64,
    /// Power drawn from the grid, watts.
    pub delivered_w: u32,
    /// Power given to the grid, watts.
    pub returned_w: u32,
    /// Energy drawn so far, watt-hours: low tariff, normal tariff.
    pub delivered_wh: [u64; 2],
    /// Energy given so far, watt-hours: low tariff, normal tariff.
    pub returned_wh: [u64; 2],
    /// Tariff that applies now: 1 is low, 2 normal.
    pub tariff: u8,
}

/// Counts since the service started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reception {
    /// Good telegrams.
    pub telegrams: u64,
    /// Telegrams with a wrong checksum, cut short, too long or unreadable.
    pub damaged: u64,
}
