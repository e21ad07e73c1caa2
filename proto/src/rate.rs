//! Rates and volumes: how fast, and how much in a month
//!
//! A rate is written as a number of bits a second, or with its burst; contracts of the time before
//! bursts have the number alone and stay valid.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

/// How fast one direction of a link may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Rate {
    /// Most bits a second on the wire; 0 is no limit.
    pub bits: u64,
    /// Bytes that may pass at once after a pause; 0 leaves the choice to the gateway.
    pub burst: u32,
}

impl Rate {
    /// No limit.
    pub const NONE: Self = Self::of(0);

    /// So many bits a second, with the gateway's choice of burst.
    pub const fn of(bits: u64) -> Self {
        Self { bits, burst: 0 }
    }

    /// Whether it limits anything.
    pub const fn is_limited(self) -> bool {
        self.bits != 0
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Parts {
    bits: u64,
    #[serde(default)]
    burst: u32,
}

impl From<Parts> for Rate {
    fn from(parts: Parts) -> Self {
        Self {
            bits: parts.bits,
            burst: parts.burst,
        }
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if from.is_human_readable() {
            from.deserialize_any(NumberOrParts)
        } else {
            Parts::deserialize(from).map(Self::from)
        }
    }
}

struct NumberOrParts;

impl<'de> de::Visitor<'de> for NumberOrParts {
    type Value = Rate;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a number of bits a second, or bits and burst")
    }

    fn visit_u64<E: de::Error>(self, bits: u64) -> Result<Rate, E> {
        Ok(Rate::of(bits))
    }

    fn visit_i64<E: de::Error>(self, bits: i64) -> Result<Rate, E> {
        let positive = u64::try_from(bits);
        positive
            .map(Rate::of)
            .map_err(|_| E::invalid_value(de::Unexpected::Signed(bits), &self))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Rate, A::Error> {
        Parts::deserialize(de::value::MapAccessDeserializer::new(map)).map(Rate::from)
    }
}

/// How much may pass in a calendar month, both directions together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Volume {
    /// Most bytes; 0 is no limit.
    pub bytes: u64,
    /// What happens when they are spent.
    #[serde(default)]
    pub then: Spent,
}

/// What happens until the end of a month whose volume is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Spent {
    /// Nothing passes any more.
    #[default]
    Cut,
    /// Both directions are held to this rate.
    Slow {
        /// Bits a second.
        bits: u64,
    },
}
