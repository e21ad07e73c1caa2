//! `target/run/env`: how to reach a running box, for a shell to source.
//!
//! Removed when the box ends, so that no shell gets the ports of another.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::credentials::Credentials;
use crate::ports::Ports;
use crate::workspace::Workspace;

/// Host part of every address: the emulator listens on loopback alone.
const HOST: &str = "127.0.0.1";

/// What a client of the running box needs.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    /// Name and value, in the file's order.
    variables: Vec<(&'static str, String)>,
}

impl Environment {
    /// The variables of a box with these ports and credentials.
    pub(crate) fn new(ports: Ports, credentials: &Credentials, serial_log: &Path) -> Self {
        let path = |path: PathBuf| path.display().to_string();
        let address = |port: u16| format!("{HOST}:{port}");
        let variables = vec![
            ("LIMEN_URL", url(ports)),
            ("LIMEN_CA", path(credentials.authority("operator"))),
            (
                "LIMEN_OPERATOR_CERT",
                path(credentials.certificate("operator")),
            ),
            ("LIMEN_OPERATOR_KEY", path(credentials.key("operator"))),
            ("LIMEN_ENERGY_CERT", path(credentials.certificate("energy"))),
            ("LIMEN_ENERGY_KEY", path(credentials.key("energy"))),
            ("LIMEN_ALARM_CERT", path(credentials.certificate("alarm"))),
            ("LIMEN_ALARM_KEY", path(credentials.key("alarm"))),
            (
                "LIMEN_SIGNING_ENERGY",
                path(credentials.signing_key("energy")),
            ),
            (
                "LIMEN_SIGNING_ALARM",
                path(credentials.signing_key("alarm")),
            ),
            ("LIMEN_SERIAL_LOG", path(serial_log.to_owned())),
            ("LIMEN_PORT_ENERGY_WEB", address(ports.energy_web)),
            ("LIMEN_PORT_ALARM_MQTT", address(ports.alarm_mqtt)),
        ];
        Self { variables }
    }

    /// Writes the file.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        fs::write(path, self.text()).with_context(|| format!("cannot write {}", path.display()))
    }

    fn text(&self) -> String {
        self.variables
            .iter()
            .map(|(name, value)| format!("export {name}={}\n", quoted(value)))
            .collect()
    }
}

/// Where the file is.
pub(crate) fn path(workspace: &Workspace) -> PathBuf {
    workspace.run().join("env")
}

/// Address of the management endpoint.
pub(crate) fn url(ports: Ports) -> String {
    format!("https://{HOST}:{}", ports.management)
}

/// A word that any POSIX shell reads as it is, spaces and quotes included.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_a_quote_survives_the_shell() {
        assert_eq!(quoted("/home/o'neil/x"), r"'/home/o'\''neil/x'");
    }
}
