//! Budgets: how large the box may be, in `images/budgets.toml`
//!
//! A size that grows past its budget fails the build, and so does a program or part that has
//! none: growth is a decision that a commit shows. Smaller is never a fault.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::workspace::Workspace;

/// The file's two tables, KiB by name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Budgets {
    programs: BTreeMap<String, u64>,
    images: BTreeMap<String, u64>,
}

impl Budgets {
    /// Reads the file.
    pub(crate) fn read(workspace: &Workspace) -> Result<Self> {
        let path = workspace.root().join("images/budgets.toml");
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("cannot understand {}", path.display()))
    }

    /// Compares programs of the image; sizes in bytes.
    pub(crate) fn programs<'a>(
        &self,
        sizes: impl IntoIterator<Item = (&'a str, u64)>,
    ) -> Result<()> {
        compare(&self.programs, sizes)
    }

    /// Compares parts of what is flashed; sizes in bytes.
    pub(crate) fn images<'a>(&self, sizes: impl IntoIterator<Item = (&'a str, u64)>) -> Result<()> {
        compare(&self.images, sizes)
    }
}

fn compare<'a>(
    budgets: &BTreeMap<String, u64>,
    sizes: impl IntoIterator<Item = (&'a str, u64)>,
) -> Result<()> {
    let mut faults = Vec::new();
    for (name, bytes) in sizes {
        let size = bytes.div_ceil(1024);
        match budgets.get(name) {
            None => faults.push(format!("{name} has no budget")),
            Some(budget) if size > *budget => {
                faults.push(format!("{name} has {size} KiB, its budget is {budget} KiB"));
            }
            Some(_) => {}
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    bail!(
        "{}; make it smaller, or raise images/budgets.toml and say what for",
        faults.join("; ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_and_newcomers_are_faults_and_shrinking_is_none() -> Result<()> {
        let budgets: Budgets = toml::from_str("[programs]\na = 2\n[images]\n")?;
        assert!(budgets.programs([("a", 2048)]).is_ok());
        assert!(budgets.programs([("a", 1)]).is_ok());
        let grown = budgets
            .programs([("a", 2049)])
            .map_err(|error| error.to_string());
        assert!(grown.is_err_and(|said| said.contains("3 KiB")));
        assert!(budgets.images([("kernel", 1)]).is_err());
        Ok(())
    }
}
