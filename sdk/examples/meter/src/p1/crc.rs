//! CRC16 as the P1 port has it
//!
//! Polynomial x^16 + x^15 + x^2 + 1, least significant bit first, beginning with 0, no final
//! inversion (DSMR 5.0.2, 5.2; known as CRC-16/ARC, check value 0xBB3D).

/// The checksum of some bytes.
pub fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |sum, byte| {
        (0..8).fold(sum ^ u16::from(*byte), |sum, _| {
            let shifted = sum >> 1;
            if sum & 1 == 1 {
                shifted ^ 0xA001
            } else {
                shifted
            }
        })
    })
}
