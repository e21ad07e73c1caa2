//! The P1 port: telegrams of a Dutch, Belgian or Luxembourgian electricity meter
//!
//! Source: DSMR 5.0.2 P1 companion standard, chapters 5 and 6 (text of IEC 62056-21 data lines
//! from `/` to `!`, then a CRC16 of everything in between, both included).
//!
//! [`receiver::Receiver`] finds telegrams in a stream of bytes, [`telegram::Telegram`] is what
//! one says, [`write::telegram`] says it: the far end of the line, for tests and emulators.

pub mod clock;
pub mod crc;
pub mod receiver;
pub mod telegram;
#[cfg(test)]
mod tests;
pub mod write;
