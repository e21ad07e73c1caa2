//! Dice: numbers that scatter what would otherwise come all at once
//!
//! The same seed and the same life give the same number, so a history can be played again. Nothing
//! secret depends on them.

/// A number for one life.
pub(super) const fn throw(seed: u64, life: u32) -> u32 {
    // The finalizer of splitmix64 (Steele, Lea, Flood 2014): neighbours come out far apart.
    let mut mixed = seed.wrapping_add((life as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed >> 32) as u32
}
