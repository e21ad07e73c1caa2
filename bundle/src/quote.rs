//! What a message repeats of a text that was refused.
//!
//! Enough to find it, and nothing that disturbs a terminal or a log.

const LONGEST: usize = 64;

/// `text` escaped, cut after 64 characters.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut quoted: String = text
        .chars()
        .take(LONGEST)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        quoted.push('…');
    }
    quoted
}

/// As [`quoted`], for bytes that need not be text.
#[must_use]
pub fn quoted_bytes(bytes: &[u8]) -> String {
    quoted(&String::from_utf8_lossy(bytes))
}
