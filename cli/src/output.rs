//! What goes to the terminal: JSON, tables, single facts
//!
//! Text that came from the gateway may have been written by somebody else's program: control characters
//! are shown, never sent to the terminal.

use std::io::{self, Write};

use serde_json::{Map, Value};

use crate::failure::Failure;

/// How to print.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// JSON instead of tables.
    pub(crate) json: bool,
}

impl Output {
    /// A result: as JSON, or as `text` says it.
    pub(crate) fn result(self, value: &Value, text: impl FnOnce() -> String) {
        if self.json {
            print(&format!("{value:#}"));
        } else {
            print(&text());
        }
    }

    /// One of many results, on a line of its own in either form.
    pub(crate) fn line(self, value: &Value, text: impl FnOnce() -> String) {
        if self.json {
            print(&value.to_string());
        } else {
            print(&text());
        }
    }

    /// A failure.
    pub(crate) fn failure(self, failure: &Failure) {
        if self.json {
            eprintln!("{}", failure.value());
        } else {
            eprintln!("limenctl: {}", clean(&failure.to_string()));
        }
    }
}

/// Prints a line. That nobody reads it any more (`| head`) is not an error.
fn print(text: &str) {
    let mut out = io::stdout().lock();
    if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// Shows control characters instead of sending them.
pub(crate) fn clean(text: &str) -> String {
    let shown = |letter: char| match letter {
        '\n' | '\t' => letter.to_string(),
        control if control.is_control() => control.escape_default().to_string(),
        letter => letter.to_string(),
    };
    text.chars().map(shown).collect()
}

/// Rows under headings, columns aligned.
pub(crate) fn table(headings: &[&str], rows: &[Vec<String>], empty: &str) -> String {
    if rows.is_empty() {
        return empty.to_owned();
    }
    let headings = headings.iter().map(|text| (*text).to_owned()).collect();
    let rows: Vec<Vec<String>> = std::iter::once(headings)
        .chain(
            rows.iter()
                .map(|row| row.iter().map(|cell| clean(cell)).collect()),
        )
        .collect();
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let lines = rows.iter().map(|row| {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Facts, one a line, names aligned.
pub(crate) fn facts(facts: &[(&str, String)]) -> String {
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let line = |(name, value): &(&str, String)| format!("{name:width$}  {}", clean(value));
    facts.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The gateway's names of attributes as limenctl writes them: `CpuUsage` is `cpu-usage`.
pub(crate) fn plain(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let renamed = map.iter().map(|(key, inner)| (kebab(key), plain(inner)));
            Value::Object(renamed.collect::<Map<_, _>>())
        }
        Value::Array(list) => list.iter().map(plain).collect(),
        other => other.clone(),
    }
}

fn kebab(name: &str) -> String {
    let mut plain = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !plain.is_empty() {
            plain.push('-');
        }
        plain.push(letter.to_ascii_lowercase());
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_become_kebab_case_at_every_depth() {
        let value =
            json!({"CpuUsage": 1, "Posture": {"LandlockAbi": 6}, "cpu-percent": [{"Id": 2}]});
        let wanted =
            json!({"cpu-usage": 1, "posture": {"landlock-abi": 6}, "cpu-percent": [{"id": 2}]});
        assert_eq!(plain(&value), wanted);
    }

    #[test]
    fn a_terminal_gets_no_commands_from_a_bundle() {
        let row = vec!["\x1b[2Jgone".to_owned(), "x".to_owned()];
        let table = table(&["NAME", "Y"], &[row], "none");
        assert_eq!(table, "NAME           Y\n\\u{1b}[2Jgone  x");
        assert_eq!(facts(&[("a", "\r".into())]), "a  \\r");
    }
}
