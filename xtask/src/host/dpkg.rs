//! Which Debian packages are installed, read from dpkg's own file.
//!
//! Reading it takes milliseconds where calling dpkg-query per package takes seconds, and the
//! set-up runs before every verb.

use std::collections::HashSet;
use std::fs;

use anyhow::{Context, Result};

const STATUS: &str = "/var/lib/dpkg/status";

/// The names of the installed packages.
#[derive(Debug)]
pub(crate) struct Installed(HashSet<String>);

impl Installed {
    /// Reads dpkg's status file.
    pub(crate) fn read() -> Result<Self> {
        let text = fs::read(STATUS).with_context(|| {
            format!(
                "cannot read {STATUS}; this works on Debian 12 and 13 and systems derived from them"
            )
        })?;
        Ok(Self::parse(&String::from_utf8_lossy(&text)))
    }

    /// Whether the package is installed and configured.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    fn parse(text: &str) -> Self {
        let mut names = HashSet::new();
        let mut name = "";
        for line in text.lines() {
            if let Some(value) = line.strip_prefix("Package: ") {
                name = value;
            } else if line == "Status: install ok installed" || line == "Status: hold ok installed"
            {
                names.insert(name.to_owned());
            }
        }
        Self(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_installed_and_configured_counts() {
        let installed = Installed::parse(
            "Package: one\nStatus: install ok installed\nVersion: 1\n\n\
             Package: two\nStatus: deinstall ok config-files\n\n\
             Package: three\nStatus: install ok half-configured\n\n\
             Package: four\nStatus: hold ok installed\n",
        );
        assert!(installed.has("one") && installed.has("four"));
        assert!(!installed.has("two") && !installed.has("three"));
    }
}
