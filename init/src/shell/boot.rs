//! The number of this life of init

use rustix::fs::{Mode, OFlags};

/// The kernel's own number of its boot: 16 random bytes in hexadecimal (random(4)).
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// A number that no other life of init has, on this boot or another. `first` is the microsecond of
/// the first instruction: under another init there are many lives to one boot.
pub(super) fn number(first: u64) -> u64 {
    let mut text = [0; 64];
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let length = rustix::fs::open(BOOT_ID, flags, Mode::empty())
        .and_then(|file| rustix::io::read(&file, &mut text))
        .unwrap_or(0);
    // FNV-1a: spreads, and is all that is asked of it.
    let spread = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let boot = text.iter().take(length).fold(0xcbf2_9ce4_8422_2325, spread);
    boot.wrapping_add(first.rotate_left(32))
}
