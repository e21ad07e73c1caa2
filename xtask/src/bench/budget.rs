//! What a figure may be until a commit says otherwise: `xtask/budgets.toml`.
//!
//! A figure that has moved from its budget, either way, fails the bench: what was gained is lost again
//! unnoticed when the budget stays where it was. The instruction clock is exact enough for
//! [`CLOSE`]; memory and whole boots are not, and have [`ROUGH`]. Sizes of programs
//! and images, which every build compares, are in `images/budgets.toml`.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::figure::Figures;
use crate::workspace::Workspace;

/// Hundredths by which a figure on the instruction clock may move.
const CLOSE: f64 = 3.0;
/// Hundredths by which memory, and boots that wait for the disk, may move: two boots of the same
/// differ by that.
const ROUGH: f64 = 15.0;

/// The file's two tables: figures by name, in the unit that they are told in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Budgets {
    close: BTreeMap<String, f64>,
    rough: BTreeMap<String, f64>,
}

impl Budgets {
    /// Reads the file.
    pub(crate) fn read(workspace: &Workspace) -> Result<Self> {
        let path = workspace.root().join("xtask/budgets.toml");
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("cannot understand {}", path.display()))
    }

    /// Compares what was measured; a figure that was not is not missed.
    pub(crate) fn compare(&self, figures: &Figures) -> Result<()> {
        let tables = [(&self.close, CLOSE), (&self.rough, ROUGH)];
        let faults: Vec<_> = tables
            .into_iter()
            .flat_map(|(table, room)| table.iter().map(move |entry| (entry, room)))
            .filter_map(|((name, budget), room)| {
                let value = figures.value(name)?;
                let moved = 100.0 * (value - budget) / budget;
                (moved.abs() > room).then(|| {
                    format!("{name} is {value:.3}, {moved:+.1} % from its budget {budget}")
                })
            })
            .collect();
        if faults.is_empty() {
            return Ok(());
        }
        bail!(
            "{}; undo it, or edit xtask/budgets.toml and say what for",
            faults.join("; ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "[close]\n\"G2.bundle\" = 1.0\n\"G4.cold\" = 2.0\n[rough]\nG3 = 5000\n";

    fn compared(bundle: f64, memory: f64) -> Result<()> {
        let budgets: Budgets = toml::from_str(FILE)?;
        let mut figures = Figures::default();
        figures.add("G2.bundle", bundle);
        figures.add("G3", memory);
        budgets.compare(&figures)
    }

    #[test]
    fn a_change_either_way_is_a_fault_and_noise_is_none() {
        assert!(compared(1.029, 5600.0).is_ok());
        let grown = compared(1.031, 5000.0).map_err(|error| error.to_string());
        assert!(grown.is_err_and(|said| said.contains("G2.bundle") && said.contains("+3.1")));
        assert!(compared(0.95, 5000.0).is_err());
        assert!(compared(1.0, 6000.0).is_err());
    }
}
