//! Who is meant: slots, units, generations
//!
//! A `UnitRef` carries a generation: a unit that was started again is a different unit, and a
//! message about the old one cannot touch the new one.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::{BUNDLE_UID, BUNDLES_PER_SLOT, SLOT_IDS, SLOT_PROJECT, SLOTS};

/// A virtual gateway's place on the box, 0 to 63. Everything kernel-visible is derived from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Slot(u16);

/// A number beyond the fixed table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("number {0} is beyond the table")]
pub struct OutOfRange(pub u16);

impl Slot {
    /// A slot below [`SLOTS`].
    ///
    /// # Errors
    /// The number is beyond the table.
    pub const fn new(number: u16) -> Result<Self, OutOfRange> {
        if (number as usize) < SLOTS {
            Ok(Self(number))
        } else {
            Err(OutOfRange(number))
        }
    }

    /// The number itself.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// First outer uid (and gid) of the slot's range of [`SLOT_IDS`].
    pub const fn first_id(self) -> u32 {
        SLOT_IDS * (self.0 as u32 + 1)
    }

    /// Project id of the slot's tree below `/data/limen/tenant`.
    pub const fn project(self) -> u32 {
        SLOT_PROJECT + self.0 as u32
    }

    /// The address that the virtual gateway keeps for life, 100.96.0.0/16 plus (slot + 1).
    pub const fn address(self) -> [u8; 4] {
        let [high, low] = (self.0 + 1).to_be_bytes();
        [100, 96, high, low]
    }
}

impl TryFrom<u16> for Slot {
    type Error = OutOfRange;

    fn try_from(number: u16) -> Result<Self, OutOfRange> {
        Self::new(number)
    }
}

impl From<Slot> for u16 {
    fn from(slot: Slot) -> Self {
        slot.0
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// A bundle's place in its virtual gateway, 0 to 31; its inner uid is derived from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct BundleIndex(u16);

impl BundleIndex {
    /// An index below [`BUNDLES_PER_SLOT`].
    ///
    /// # Errors
    /// The number is beyond the table.
    pub const fn new(number: u16) -> Result<Self, OutOfRange> {
        if (number as usize) < BUNDLES_PER_SLOT {
            Ok(Self(number))
        } else {
            Err(OutOfRange(number))
        }
    }

    /// The number itself.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Uid and gid of the bundle's processes as they see themselves.
    pub const fn inner_id(self) -> u32 {
        BUNDLE_UID + self.0 as u32
    }

    /// Uid and gid of the bundle's processes as the box sees them.
    pub const fn outer_id(self, slot: Slot) -> u32 {
        slot.first_id() + self.inner_id()
    }
}

impl TryFrom<u16> for BundleIndex {
    type Error = OutOfRange;

    fn try_from(number: u16) -> Result<Self, OutOfRange> {
        Self::new(number)
    }
}

impl From<BundleIndex> for u16 {
    fn from(index: BundleIndex) -> Self {
        index.0
    }
}

impl fmt::Display for BundleIndex {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// What init runs. The number of a core unit is its place in the image's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum UnitId {
    /// A core program.
    Core(u8),
    /// A virtual gateway: its reaper and the namespaces that it holds.
    Vgw(Slot),
    /// A started bundle.
    Bundle(Slot, BundleIndex),
    /// A one-shot of the core for one slot (limen-install); the second number tells runs apart.
    Hand(Slot, u8),
}

impl UnitId {
    /// The slot that the unit belongs to; none for a core unit.
    pub const fn slot(self) -> Option<Slot> {
        match self {
            Self::Core(_) => None,
            Self::Vgw(slot) | Self::Bundle(slot, _) | Self::Hand(slot, _) => Some(slot),
        }
    }
}

impl fmt::Display for UnitId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Core(index) => write!(out, "core-{index}"),
            Self::Vgw(slot) => write!(out, "vgw-{slot}"),
            Self::Bundle(slot, index) => write!(out, "vgw-{slot}/b{index}"),
            Self::Hand(slot, run) => write!(out, "hand-{slot}-{run}"),
        }
    }
}

/// Which life of a unit is meant. Never 0, never reused while init lives.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
pub struct Generation(pub u32);

/// One life of one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UnitRef {
    /// The unit.
    pub unit: UnitId,
    /// Its life.
    pub generation: Generation,
}

/// A bundle's digest: SHA-256 of its signed manifest's bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_two_slots_do_not_touch() {
        let (low, high) = (Slot::new(0).unwrap(), Slot::new(1).unwrap());
        assert_eq!(low.first_id() + SLOT_IDS, high.first_id());
        assert!(
            low.first_id() >= SLOT_IDS,
            "no slot holds a uid of the core"
        );
        assert!(BundleIndex::new(31).unwrap().outer_id(low) < high.first_id());
        assert_eq!(high.address(), [100, 96, 0, 2]);
        assert!(Slot::new(64).is_err());
    }
}
