//! What was left out or changed on the way, for the developer to read

use serde::Serialize;

/// Counts by kind, with the first path of each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Notes {
    /// Setuid, setgid or sticky bits that were taken away: nothing in a bundle gains rights by being executed.
    pub privileged: Found,
    /// File capabilities that were taken away.
    pub capabilities: Found,
    /// Files that only their owner could read, and the bundle now can.
    pub private: Found,
    /// What lay below `/dev`, `/proc` or `/sys`, where the gateway mounts its own.
    pub hidden: Found,
    /// Scripts of packages that were not run.
    pub scripts: Found,
}

/// How many, and the first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Found {
    /// How many.
    pub count: u64,
    /// The first.
    pub first: String,
}

impl Found {
    pub(crate) fn add(&mut self, path: &str) {
        if self.count == 0 {
            path.clone_into(&mut self.first);
        }
        self.count += 1;
    }
}

impl Notes {
    /// A sentence for each kind that there is.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let kinds = [
            (&self.privileged, "setuid, setgid or sticky bits taken away"),
            (&self.capabilities, "file capabilities taken away"),
            (
                &self.private,
                "private files that the bundle's program can read",
            ),
            (
                &self.hidden,
                "entries left out of /dev, /proc and /sys, which are the gateway's",
            ),
            (&self.scripts, "scripts of packages not run"),
        ];
        kinds
            .iter()
            .filter(|(found, _)| found.count > 0)
            .map(|(found, what)| format!("{} {what} (first: {})", found.count, found.first))
            .collect()
    }
}
