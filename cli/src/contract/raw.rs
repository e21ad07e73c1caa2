//! The contract's file as written
//!
//! The shape of the contract in JSON, with two liberties for people: every key but memory and disk
//! may be left out, and amounts may carry a unit. Unknown keys are refused.

use limen_proto::contract::{Destination, Minimum, Publish, Rate, Spent, Volume, Wan};
use limen_proto::name::Name;
use serde::Deserialize;

use crate::failure::Failure;
use crate::quantity;

/// A number, or a text with a unit.
#[derive(Debug, Clone, Deserialize)]
#[serde(
    untagged,
    expecting = "a whole number, or a text with a unit such as \"64MiB\" or \"10Mbit\""
)]
pub(super) enum Amount {
    Number(u64),
    Text(String),
}

impl Amount {
    pub(super) fn bytes(&self) -> Result<u64, Failure> {
        match self {
            Self::Number(number) => Ok(*number),
            Self::Text(text) => quantity::bytes(text),
        }
    }

    pub(super) fn bits(&self) -> Result<u64, Failure> {
        match self {
            Self::Number(number) => Ok(*number),
            Self::Text(text) => quantity::rate(text),
        }
    }

    /// Bytes of a burst, which the kernel counts in 32 bits.
    pub(super) fn burst(&self) -> Result<u32, Failure> {
        let bytes = self.bytes()?;
        u32::try_from(bytes)
            .map_err(|_| Failure::Usage(format!("a burst of {bytes} bytes is above 4 GiB")))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Limits {
    pub(super) cpu_percent: Option<u16>,
    pub(super) cpu_burst_ms: Option<u16>,
    pub(super) cpu_weight: Option<u16>,
    pub(super) memory: Option<Amount>,
    pub(super) memory_high: Option<Amount>,
    pub(super) processes: Option<u32>,
    pub(super) descriptors: Option<u32>,
    pub(super) read_rate: Option<Amount>,
    pub(super) write_rate: Option<Amount>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Guarantees {
    pub(super) cpu_percent: Option<u16>,
    pub(super) memory: Option<Amount>,
}

/// A rate alone, or with its burst.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "a rate such as \"10Mbit\", or a table with the keys bits and burst"
)]
pub(super) enum Speed {
    Alone(Amount),
    Whole(Parts),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Parts {
    bits: Amount,
    burst: Option<Amount>,
}

impl Speed {
    pub(super) fn rate(&self) -> Result<Rate, Failure> {
        match self {
            Self::Alone(bits) => bits.bits().map(Rate::of),
            Self::Whole(parts) => Ok(Rate {
                bits: parts.bits.bits()?,
                burst: parts.burst.as_ref().map_or(Ok(0), Amount::burst)?,
            }),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Month {
    bytes: Amount,
    then: Option<Then>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Then {
    Cut,
    Slow(Slow),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Slow {
    bits: Amount,
}

impl Month {
    pub(super) fn volume(&self) -> Result<Volume, Failure> {
        Ok(Volume {
            bytes: self.bytes.bytes()?,
            then: match &self.then {
                None | Some(Then::Cut) => Spent::Cut,
                Some(Then::Slow(slow)) => Spent::Slow {
                    bits: slow.bits.bits()?,
                },
            },
        })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Contract {
    #[serde(default)]
    pub(super) limits: Limits,
    #[serde(default)]
    pub(super) guarantees: Guarantees,
    pub(super) disk: Option<Amount>,
    pub(super) inodes: Option<u32>,
    pub(super) upload: Option<Speed>,
    pub(super) download: Option<Speed>,
    pub(super) volume: Option<Month>,
    pub(super) connections: Option<u32>,
    pub(super) wan: Option<Wan>,
    pub(super) destinations: Option<Vec<Destination>>,
    pub(super) lan: Option<Vec<Destination>>,
    pub(super) publish: Option<Vec<Publish>>,
    pub(super) devices: Option<Vec<Name>>,
    pub(super) jit: Option<bool>,
    pub(super) warm: Option<bool>,
    pub(super) minimum: Option<Minimum>,
}
