//! One number with its unit, goal and peer.

use std::collections::BTreeMap;

use serde::Serialize;

use super::catalogue::{self, Entry};

/// Units of figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Unit {
    /// Millions of instructions of the emulated processor, the kernel's included.
    #[serde(rename = "M instr")]
    Instructions,
    /// 1024 bytes.
    #[serde(rename = "KiB")]
    Kibibytes,
    /// Hundredths.
    #[serde(rename = "%")]
    Percent,
    /// Thousandths of a second on the plain emulator's clock.
    #[serde(rename = "ms")]
    Milliseconds,
    /// A plain number.
    #[serde(rename = "")]
    Count,
}

impl Unit {
    /// As it is written behind the number.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Instructions => "M instr",
            Self::Kibibytes => "KiB",
            Self::Percent => "%",
            Self::Milliseconds => "ms",
            Self::Count => "",
        }
    }

    /// Millions of instructions need their decimals; the rest are whole.
    pub(crate) fn decimals(self) -> usize {
        match self {
            Self::Instructions => 2,
            Self::Percent => 1,
            Self::Kibibytes | Self::Count | Self::Milliseconds => 0,
        }
    }
}

/// What was measured, by name; of some also on the plain emulator's clock, milliseconds.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    values: BTreeMap<String, f64>,
    walls: BTreeMap<String, f64>,
}

/// One figure as it is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// In the unit of its entry.
    pub(crate) value: f64,
    /// The same on the plain emulator's clock, milliseconds.
    pub(crate) wall: Option<f64>,
    /// What the catalogue has of it.
    pub(crate) entry: &'static Entry,
}

impl Figures {
    /// Adds one.
    pub(crate) fn add(&mut self, name: impl Into<String>, value: f64) {
        self.values.insert(name.into(), value);
    }

    /// Adds a number of instructions, given as nanoseconds of the instruction clock.
    #[allow(
        clippy::cast_precision_loss,
        reason = "52 bits of nanoseconds are a month"
    )]
    pub(crate) fn add_instructions(&mut self, name: &str, nanoseconds: u64) {
        self.add(name, nanoseconds as f64 / 1e6);
    }

    /// Adds what a figure is on the plain emulator's clock.
    #[allow(
        clippy::cast_precision_loss,
        reason = "52 bits of nanoseconds are a month"
    )]
    pub(crate) fn add_wall(&mut self, name: &str, nanoseconds: u64) {
        self.walls.insert(name.to_owned(), nanoseconds as f64 / 1e6);
    }

    /// Adds a size.
    #[allow(
        clippy::cast_precision_loss,
        reason = "no file of the box has a petabyte"
    )]
    pub(crate) fn add_bytes(&mut self, name: impl Into<String>, bytes: u64) {
        self.add(name, bytes as f64 / 1024.0);
    }

    /// What is known by that name.
    pub(crate) fn value(&self, name: &str) -> Option<f64> {
        self.values.get(name).copied()
    }

    /// Adds by how much one figure is larger than another, in hundredths of the other.
    pub(crate) fn add_growth(&mut self, name: &str, from: &str, to: &str) {
        if let (Some(from), Some(to)) = (self.value(from), self.value(to)) {
            self.add(name, 100.0 * (to - from) / from);
        }
    }

    /// Everything, in the catalogue's order; what the catalogue does not know by itself (a
    /// program's size) follows its group.
    pub(crate) fn rows(&self) -> Vec<Row<'_>> {
        let mut rows: Vec<_> = self
            .values
            .iter()
            .filter_map(|(name, value)| {
                let (place, entry) = catalogue::find(name)?;
                let row = Row {
                    name,
                    value: *value,
                    wall: self.walls.get(name).copied(),
                    entry,
                };
                Some((place, row))
            })
            .collect();
        rows.sort_by_key(|row| row.0);
        rows.into_iter().map(|(_, row)| row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_in_the_catalogues_order_and_strangers_not_at_all() {
        let mut figures = Figures::default();
        figures.add("size-program-b", 2.0);
        figures.add("no-such-figure", 1.0);
        figures.add_instructions("boot-core-active", 34_000_000);
        let rows = figures.rows();
        let names: Vec<_> = rows.iter().map(|row| row.name).collect();
        assert_eq!(names, ["boot-core-active", "size-program-b"]);
        assert!((rows[0].value - 34.0).abs() < 1e-9);
    }
}
