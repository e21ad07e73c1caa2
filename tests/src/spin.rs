//! The smallest load: a program of one instruction, which jumps to itself
//!
//! An ELF file for aarch64 with one segment, its headers included. It uses all processor time that
//! it is given, and nothing else.

/// Where the segment is loaded.
const ADDRESS: u64 = 0x40_0000;
/// Bytes of the file's header, and of its one program header.
const HEADERS: u64 = 64 + 56;
/// `b .`
const INSTRUCTION: u32 = 0x1400_0000;

/// The program's file.
pub(crate) fn program() -> Vec<u8> {
    let mut file = Vec::from(*b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    let short = |file: &mut Vec<u8>, value: u16| file.extend(value.to_le_bytes());
    let word = |file: &mut Vec<u8>, value: u32| file.extend(value.to_le_bytes());
    let long = |file: &mut Vec<u8>, value: u64| file.extend(value.to_le_bytes());
    let size = HEADERS + 4;
    // An executable, for aarch64, of the first version.
    short(&mut file, 2);
    short(&mut file, 183);
    word(&mut file, 1);
    long(&mut file, ADDRESS + HEADERS);
    // Program headers behind this header; no sections, no flags.
    long(&mut file, 64);
    long(&mut file, 0);
    word(&mut file, 0);
    for value in [64, 56, 1, 0, 0, 0] {
        short(&mut file, value);
    }
    // To be loaded, readable and executable, from the file's first byte on.
    word(&mut file, 1);
    word(&mut file, 5);
    for value in [0, ADDRESS, ADDRESS, size, size, 0x1_0000] {
        long(&mut file, value);
    }
    word(&mut file, INSTRUCTION);
    file
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_file_is_as_long_as_its_headers_say() {
        let file = super::program();
        assert_eq!(file.len(), 124);
        assert_eq!(file[96..104], 124u64.to_le_bytes());
        assert_eq!(file[120..], super::INSTRUCTION.to_le_bytes());
    }
}
