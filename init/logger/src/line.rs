//! Bytes of a program into lines that cannot lie
//!
//! Whoever reads a log in a terminal must not be lied to by the program that wrote it: control
//! characters, the C1 set and the marks that change the direction of text are escaped, and so is
//! what is not UTF-8. A line has a longest length; what is longer becomes several. (D-24)

/// Longest line, bytes of what the program wrote.
pub const LINE: usize = 1024;

/// Splits one stream.
#[derive(Debug, Default)]
pub struct Splitter {
    pending: Vec<u8>,
}

impl Splitter {
    /// Takes what was read and gives every line that is complete to `each`.
    pub fn feed(&mut self, bytes: &[u8], mut each: impl FnMut(String)) {
        for &byte in bytes {
            if byte == b'\n' {
                each(escape(&self.pending));
                self.pending.clear();
                continue;
            }
            if self.pending.len() >= LINE {
                self.cut(&mut each);
            }
            self.pending.push(byte);
        }
    }

    /// Ends a line that is too long, not within a character.
    fn cut(&mut self, each: &mut impl FnMut(String)) {
        let whole = match core::str::from_utf8(&self.pending) {
            Ok(_) => self.pending.len(),
            // Only an unfinished last character moves to the next line; other bytes are no text.
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => self.pending.len(),
        };
        let rest = self.pending.split_off(whole);
        each(escape(&self.pending));
        self.pending = rest;
    }
}

/// The text as it may be shown.
pub fn escape(bytes: &[u8]) -> String {
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character == '\t' || !is_hidden(character) {
                text.push(character);
            } else {
                text.extend(character.escape_unicode());
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// Characters that a terminal acts upon instead of showing them.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            // Marks and overrides of direction, line and paragraph separators, byte order mark.
            '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        Splitter::default().feed(bytes, |line| lines.push(line));
        lines
    }

    #[test]
    fn lines_end_where_the_program_ended_them() {
        assert_eq!(lines(b"one\r\ntwo\n\nrest"), ["one", "two", ""]);
        let mut splitter = Splitter::default();
        let mut seen = Vec::new();
        for piece in [&b"hel"[..], b"lo\nwor", b"ld\n"] {
            splitter.feed(piece, |line| seen.push(line));
        }
        assert_eq!(seen, ["hello", "world"]);
    }

    #[test]
    fn a_terminal_is_told_nothing() {
        assert_eq!(lines(b"a\x1b[2Jb\n"), ["a\\u{1b}[2Jb"]);
        assert_eq!(lines(b"a\tb\x00\n"), ["a\tb\\u{0}"]);
        assert_eq!(
            lines("x\u{202e}y\u{9b}z\n".as_bytes()),
            ["x\\u{202e}y\\u{9b}z"]
        );
        assert_eq!(lines(b"\xff\xfeok\n"), ["\\xff\\xfeok"]);
        assert_eq!(lines("grün\n".as_bytes()), ["grün"]);
    }

    #[test]
    fn a_long_line_becomes_several_and_keeps_its_characters() {
        let text = "ü".repeat(LINE);
        let seen = lines(format!("{text}\n").as_bytes());
        assert_eq!(seen.len(), 2);
        assert_eq!(seen.concat(), text);
        let odd = format!("a{text}\n");
        assert_eq!(lines(odd.as_bytes()).concat(), odd.trim_end());
        assert_eq!(lines(&[&[0xff; 5000][..], b"\n"].concat()).len(), 5);
    }
}
