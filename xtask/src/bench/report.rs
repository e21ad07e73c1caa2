//! Telling: the table on the terminal, `target/bench.json`, `docs/benchmarks.md`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::catalogue::Entry;
use super::figure::{Figures, Row};

/// Under which circumstances was measured.
#[derive(Debug)]
pub(crate) struct Circumstances {
    /// Day, as `2026-11-20`.
    pub(crate) date: String,
    /// Package and version of the kernel.
    pub(crate) kernel: String,
    /// Revision of the sources.
    pub(crate) revision: String,
    /// The emulator's version.
    pub(crate) emulator: String,
    /// How often a boot was measured.
    pub(crate) boots: u32,
    /// How often a start was measured.
    pub(crate) samples: u32,
}

/// One line a figure, for the terminal.
pub(crate) fn table(figures: &Figures) -> String {
    let mut text = format!(
        "{:<28} {:>10} {:<8} {:>8} {:>9}  peers\n",
        "figure", "value", "unit", "goal", "wall, ms"
    );
    for row in figures.rows() {
        let Row {
            name, value, entry, ..
        } = row;
        let line = format!(
            "{name:<28} {:>10} {:<8} {:>8} {:>9}  {}",
            shown(value, entry),
            entry.unit.text(),
            goal(entry),
            wall(row),
            peers(figures, entry)
        );
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// An object of figure name to value, unit, goal, milliseconds on the plain clock, and peer.
pub(crate) fn json(figures: &Figures) -> Value {
    figures
        .rows()
        .into_iter()
        .map(|row| {
            let entry = row.entry;
            let figure = json!({
                "value": row.value,
                "unit": entry.unit,
                "goal": entry.goal,
                "wall": row.wall,
                "peer": peers(figures, entry),
            });
            (row.name.to_owned(), figure)
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// The part of docs/benchmarks.md that the bench writes.
pub(crate) fn page(figures: &Figures, circumstances: &Circumstances) -> String {
    let Circumstances {
        date,
        kernel,
        revision,
        emulator,
        boots,
        samples,
    } = circumstances;
    let mut text = format!(
        "Measured on {date} at revision {revision} with kernel {kernel} under {emulator}: the least of \
         {boots} boots, the least of {samples} samples of each start.\n\n\
         | figure | value | goal | | wall, ms | what | peers |\n| --- | ---: | ---: | --- | ---: | --- | --- |\n"
    );
    for row in figures.rows() {
        let Row {
            name, value, entry, ..
        } = row;
        let _ = writeln!(
            text,
            "| `{name}` | {} {} | {} | {} | {} | {} | {} |",
            shown(value, entry),
            entry.unit.text(),
            goal(entry),
            verdict(value, entry),
            wall(row),
            entry.what,
            peers(figures, entry)
        );
    }
    text
}

/// Puts the page's part between its two marks, and leaves what people wrote around it.
pub(crate) fn insert(document: &str, part: &str) -> Option<String> {
    let (before, rest) = document.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{part}\n{END}{after}"))
}

const BEGIN: &str = "<!-- written by `cargo xtask bench` -->";
const END: &str = "<!-- end of what `cargo xtask bench` writes -->";

fn shown(value: f64, entry: &Entry) -> String {
    format!("{value:.*}", entry.unit.decimals())
}

fn wall(row: Row<'_>) -> String {
    row.wall
        .map(|wall| format!("{wall:.1}"))
        .unwrap_or_default()
}

/// Those of the same run, then the cited ones.
fn peers(figures: &Figures, entry: &Entry) -> String {
    let measured = entry.beside.iter().filter_map(|name| {
        let value = figures.value(name)?;
        Some(format!("{name} {}", shown(value, entry)))
    });
    let cited = (!entry.peer.is_empty()).then(|| entry.peer.to_owned());
    measured.chain(cited).collect::<Vec<_>>().join("; ")
}

fn goal(entry: &Entry) -> String {
    entry
        .goal
        .map(|goal| shown(goal, entry))
        .unwrap_or_default()
}

fn verdict(value: f64, entry: &Entry) -> String {
    match entry.goal {
        None => String::new(),
        Some(goal) if value <= goal => "met".to_owned(),
        Some(goal) if goal > 0.0 => format!("**{:.1} times**", value / goal),
        Some(_) => "**missed**".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures() -> Figures {
        let mut figures = Figures::default();
        figures.add_instructions("G2.bundle", 2_500_000);
        figures.add_wall("G2.bundle", 7_450_000);
        figures.add_instructions("peer-crun", 12_000_000);
        figures.add("soak-resident-growth", 0.0);
        figures
    }

    #[test]
    fn a_goal_is_met_or_missed_by_a_factor() {
        let circumstances = Circumstances {
            date: "2026-11-20".to_owned(),
            kernel: "6.12".to_owned(),
            revision: "abc".to_owned(),
            emulator: "QEMU".to_owned(),
            boots: 3,
            samples: 50,
        };
        let page = page(&figures(), &circumstances);
        assert!(page.contains("| `G2.bundle` | 2.50 M instr | 1.25 | **2.0 times** | 7.5 |"));
        assert!(page.contains("| `soak-resident-growth` | 0 KiB | 0 | met |"));
    }

    #[test]
    fn the_object_has_five_fields_a_figure() {
        let object = json(&figures());
        assert_eq!(object["G2.bundle"]["value"], 2.5);
        assert_eq!(object["G2.bundle"]["unit"], "M instr");
        assert_eq!(object["G2.bundle"]["goal"], 1.25);
        assert_eq!(object["G2.bundle"]["wall"], 7.45);
        assert_eq!(
            object["G2.bundle"]["peer"],
            "peer-crun 12.00; straightforward recipe in C 1.52"
        );
    }

    #[test]
    fn what_people_wrote_around_the_part_stays() {
        let document = format!("above\n{BEGIN}\nold\n{END}\nbelow\n");
        let written = insert(&document, "new").unwrap_or_default();
        assert_eq!(written, format!("above\n{BEGIN}\n\nnew\n{END}\nbelow\n"));
        assert_eq!(insert("no marks", "new"), None);
    }
}
