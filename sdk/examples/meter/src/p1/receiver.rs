//! Finding telegrams in a stream of bytes
//!
//! Bounded: a telegram that does not end within [`LONGEST`] bytes is given up. A `/` begins a
//! telegram wherever it stands, because it occurs nowhere inside one: what was collected before
//! it was cut short. Bytes between telegrams are noise and skipped.

use super::crc::crc16;
use super::telegram::{Telegram, TelegramError};

/// Longest telegram, bytes: twice what a meter with four more meters behind it sends.
pub const LONGEST: usize = 4096;

/// Four hexadecimal digits follow the `!`.
const CHECKSUM: usize = 4;

/// Why a telegram was not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// Another telegram began before this one ended.
    #[error("telegram cut short")]
    CutShort,
    /// It did not end.
    #[error("telegram longer than {LONGEST} bytes")]
    TooLong,
    /// What follows the `!` is not a checksum.
    #[error("telegram without checksum")]
    NoChecksum,
    /// Bits were damaged on the way.
    #[error("checksum {found:04X} instead of {computed:04X}")]
    Checksum {
        /// As received.
        found: u16,
        /// As computed.
        computed: u16,
    },
    /// Its bytes are right and its content is not.
    #[error(transparent)]
    Content(#[from] TelegramError),
}

/// Collects bytes until a telegram is whole.
#[derive(Debug, Default)]
pub struct Receiver {
    collected: Vec<u8>,
    end: Option<usize>,
}

impl Receiver {
    /// Takes one byte. Something comes back when it ends a telegram, or its hope.
    pub fn take(&mut self, byte: u8) -> Option<Result<Telegram, Damage>> {
        if byte == b'/' {
            let cut = !self.collected.is_empty();
            self.restart();
            self.collected.push(byte);
            return cut.then_some(Err(Damage::CutShort));
        }
        if self.collected.is_empty() {
            return None;
        }
        if self.collected.len() == LONGEST {
            self.restart();
            return Some(Err(Damage::TooLong));
        }
        self.collected.push(byte);
        if byte == b'!' && self.end.is_none() {
            self.end = Some(self.collected.len());
        }
        let end = self.end?;
        if self.collected.len() < end + CHECKSUM {
            return None;
        }
        let outcome = judge(&self.collected, end);
        self.restart();
        Some(outcome)
    }

    fn restart(&mut self) {
        self.collected.clear();
        self.end = None;
    }
}

fn judge(collected: &[u8], end: usize) -> Result<Telegram, Damage> {
    let (covered, checksum) = collected.split_at_checked(end).ok_or(Damage::NoChecksum)?;
    let found = std::str::from_utf8(checksum)
        .ok()
        .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
        .and_then(|digits| u16::from_str_radix(digits, 16).ok())
        .ok_or(Damage::NoChecksum)?;
    let computed = crc16(covered);
    if found != computed {
        return Err(Damage::Checksum { found, computed });
    }
    Ok(Telegram::read(covered)?)
}
