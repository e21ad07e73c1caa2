//! The manifest's shape: which keys there are, and of what type.
//!
//! Unknown keys are refused, so that a misspelt limit is an error and not an unlimited program. The text
//! is held to one spelling of a line's end and to no invisible characters: what a person reads in an
//! editor is what was signed.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::ManifestError;
use crate::limits;

/// A manifest as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Raw {
    /// Manifest format.
    pub format: u32,
    /// See [`super::Manifest::name`]; the fields below likewise.
    pub name: String,
    /// Semantic version.
    pub version: String,
    /// Provider.
    pub provider: String,
    /// Anti-rollback counter.
    pub counter: u64,
    /// For people.
    #[serde(default)]
    pub description: String,
    /// What runs.
    pub run: Run,
    /// AutoRestart.
    #[serde(default)]
    pub restart: Restart,
    /// Share of the contract.
    pub limits: Limits,
    /// Volumes.
    #[serde(default)]
    pub volumes: Vec<Volume>,
    /// Device classes.
    #[serde(default)]
    pub devices: Vec<Device>,
    /// Ports.
    #[serde(default)]
    pub ports: Vec<Port>,
    /// Exports.
    #[serde(default)]
    pub exports: Vec<Export>,
    /// Imports.
    #[serde(default)]
    pub imports: Vec<Import>,
    /// Trees by architecture.
    #[serde(default)]
    pub architectures: BTreeMap<String, Tree>,
}

/// `[run]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the validated type documents each field")]
pub struct Run {
    pub command: Vec<String>,
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    #[serde(default = "root")]
    pub directory: String,
    pub readiness: String,
    #[serde(default = "thirty")]
    pub ready_within_seconds: u32,
    #[serde(default = "five")]
    pub stop_within_seconds: u32,
    #[serde(default)]
    pub user: Option<String>,
    #[serde(default)]
    pub jit: bool,
    #[serde(default)]
    pub spare: bool,
}

/// `[restart]`; the defaults double the wait from one second to a minute and give up after ten retries.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[expect(missing_docs, reason = "the validated type documents each field")]
pub struct Restart {
    pub enable: bool,
    pub minimum_wait_seconds: u32,
    pub maximum_wait_seconds: u32,
    pub multiplier: u32,
    pub reset_seconds: u32,
    pub retries: u32,
}

impl Default for Restart {
    fn default() -> Self {
        Self {
            enable: true,
            minimum_wait_seconds: 1,
            maximum_wait_seconds: 60,
            multiplier: 2000,
            reset_seconds: 300,
            retries: 10,
        }
    }
}

/// `[limits]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the validated type documents each field")]
pub struct Limits {
    pub memory: String,
    pub processes: u32,
    #[serde(default = "one_mebibyte")]
    pub temporary: String,
    pub cpu_percent: Option<u32>,
    #[serde(default)]
    pub cpu_burst_ms: u32,
    pub memory_high: Option<String>,
    pub descriptors: Option<u32>,
    pub read_rate: Option<String>,
    pub write_rate: Option<String>,
}

/// `[[volumes]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the validated type documents each field")]
pub struct Volume {
    pub name: String,
    pub path: String,
    pub size: String,
}

/// `[[devices]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the validated type documents each field")]
pub struct Device {
    pub class: String,
}

/// `[[ports]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the validated type documents each field")]
pub struct Port {
    pub protocol: String,
    pub inside: u16,
    pub name: String,
}

/// `[[exports]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the validated type documents each field")]
pub struct Export {
    pub interface: String,
    pub version: String,
    #[serde(default)]
    pub to: Vec<String>,
}

/// `[[imports]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the validated type documents each field")]
pub struct Import {
    pub interface: String,
    pub version: String,
}

/// `[architectures.NAME]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the validated type documents each field")]
pub struct Tree {
    pub index: String,
    pub index_size: u32,
    pub unpacked_size: u64,
    pub entries: u32,
}

/// The one key that is read first: another format may have other keys.
#[derive(Deserialize)]
struct OnlyFormat {
    format: u32,
}

fn root() -> String {
    "/".to_owned()
}

fn thirty() -> u32 {
    30
}

fn five() -> u32 {
    5
}

fn one_mebibyte() -> String {
    "1MiB".to_owned()
}

impl Raw {
    /// Gives the bytes their shape.
    ///
    /// # Errors
    /// [`ManifestError::Text`], [`ManifestError::Shape`] or [`ManifestError::Format`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        let text = text(bytes)?;
        let format = toml::from_str::<OnlyFormat>(text).map_err(|error| shape(text, &error))?;
        if format.format != super::FORMAT {
            return Err(ManifestError::Format(format.format));
        }
        toml::from_str(text).map_err(|error| shape(text, &error))
    }
}

fn text(bytes: &[u8]) -> Result<&str, ManifestError> {
    if bytes.len() > limits::MANIFEST_BYTES as usize {
        return Err(ManifestError::Text("is longer than 64 KiB"));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|_| ManifestError::Text("is not UTF-8; save it as UTF-8"))?;
    if text.starts_with('\u{feff}') {
        return Err(ManifestError::Text(
            "begins with a byte order mark; save it without",
        ));
    }
    if text.contains('\r') {
        return Err(ManifestError::Text(
            "has carriage returns; save it with plain line feeds",
        ));
    }
    if text
        .chars()
        .any(|c| c.is_control() && c != '\n' && c != '\t')
    {
        return Err(ManifestError::Text(
            "has control characters; write them as TOML escapes",
        ));
    }
    Ok(text)
}

fn shape(text: &str, error: &toml::de::Error) -> ManifestError {
    let at = error.span().map_or(0, |span| span.start.min(text.len()));
    ManifestError::Shape {
        line: text.as_bytes()[..at]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            + 1,
        message: error.message().trim_end().replace('\n', ", "),
    }
}
