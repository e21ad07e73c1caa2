//! The smallest program of the 32-bit machine
//!
//! An attack needs one: a 64-bit ARM kernel executes it and numbers its system calls otherwise. It ends
//! with status 42, which says that a call of it was let through. Made here, byte by byte, because no
//! compiler for that machine is at hand.

/// Where it is loaded, and where its code begins behind the two headers.
const BASE: u32 = 0x0001_0000;
const HEADERS: u32 = 52 + 32;

/// exit(42) in ARM code.
const CODE: [u32; 3] = [
    0xE3A0_002A, // mov r0, #42
    0xE3A0_7001, // mov r7, #1
    0xEF00_0000, // svc 0
];

/// An ELF file for 32-bit ARM.
pub(crate) fn program() -> Vec<u8> {
    let size = HEADERS + 4 * u32::try_from(CODE.len()).unwrap_or_default();
    let mut file = b"\x7FELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    // Executable, for ARM.
    for half in [2u16, 40] {
        file.extend(half.to_le_bytes());
    }
    // Version, entry, program headers, no sections, EABI 5.
    for word in [1, BASE + HEADERS, 52, 0, 0x0500_0000] {
        file.extend(word.to_le_bytes());
    }
    // Sizes and counts of the headers.
    for half in [52u16, 32, 1, 0, 0, 0] {
        file.extend(half.to_le_bytes());
    }
    // One segment: all of the file, to read and to execute.
    for word in [1, 0, BASE, BASE, size, size, 5, 0x1000] {
        file.extend(word.to_le_bytes());
    }
    for word in CODE {
        file.extend(word.to_le_bytes());
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_code_lies_where_its_headers_say() {
        let file = program();
        assert_eq!(file.len(), 52 + 32 + 12);
        assert_eq!(file[84..88], CODE[0].to_le_bytes());
    }
}
