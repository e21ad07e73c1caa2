//! A manifest for an image that has none
//!
//! What the image's configuration says is carried over; what it cannot say (how much memory, how large a volume) gets a plain
//! default that the developer can read and change: the draft is a text, and `--write-manifest` keeps it.

use std::collections::BTreeMap;

use limen_bundle::manifest::Manifest;
use limen_import::oci::{Image, Settings, Transport};
use serde::Serialize;

use crate::failure::Failure;

/// What only the developer knows.
pub(super) struct Known<'a> {
    pub(super) name: &'a str,
    pub(super) version: &'a str,
    pub(super) provider: &'a str,
    pub(super) counter: u64,
    pub(super) memory: &'a str,
    pub(super) processes: u32,
    pub(super) volume_size: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Draft<'a> {
    format: u32,
    name: &'a str,
    version: &'a str,
    provider: &'a str,
    counter: u64,
    description: String,
    run: Run<'a>,
    limits: Limits<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    volumes: Vec<Volume<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ports: Vec<Port>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Run<'a> {
    command: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    directory: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    readiness: &'static str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    environment: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Limits<'a> {
    memory: &'a str,
    processes: u32,
}

#[derive(Serialize)]
struct Volume<'a> {
    name: String,
    path: &'a str,
    size: &'a str,
}

#[derive(Serialize)]
struct Port {
    name: String,
    protocol: &'static str,
    inside: u16,
}

/// The manifest of `image`, run as `command`, in the author's form.
pub(super) fn draft(
    image: &Image,
    command: Vec<String>,
    known: &Known<'_>,
) -> Result<String, Failure> {
    let settings = &image.settings;
    let draft = Draft {
        format: limen_bundle::manifest::FORMAT,
        name: known.name,
        version: known.version,
        provider: known.provider,
        counter: known.counter,
        description: description(image),
        run: Run {
            command,
            directory: Some(settings.directory.as_str()).filter(|directory| *directory != "/"),
            user: settings.user.as_deref(),
            readiness: "exec",
            environment: &settings.environment,
        },
        limits: Limits {
            memory: known.memory,
            processes: known.processes,
        },
        volumes: volumes(settings, known.volume_size),
        ports: ports(settings),
    };
    let text = toml::to_string(&draft).map_err(|error| Failure::local(&error))?;
    let checked = Manifest::draft(text.as_bytes());
    checked.map_err(|error| {
        let problem = Failure::local(&error);
        Failure::Local(format!(
            "{problem}; write a manifest of your own and give it with --manifest"
        ))
    })?;
    Ok(text)
}

/// What the image calls itself, and which one it is.
fn description(image: &Image) -> String {
    let label = |name: &str| image.settings.labels.get(name);
    let said = label("org.opencontainers.image.title")
        .or_else(|| label("org.opencontainers.image.description"));
    let from = format!("from the image {}", image.digest);
    match said.map(|text| {
        text.chars()
            .filter(|letter| !letter.is_control())
            .take(200)
            .collect::<String>()
    }) {
        Some(text) if !text.is_empty() => format!("{text}; {from}"),
        _ => from,
    }
}

fn volumes<'a>(settings: &'a Settings, size: &'a str) -> Vec<Volume<'a>> {
    let mut names: Vec<String> = Vec::new();
    let volume = |path: &'a String| {
        let name = unique(&named(path), &names);
        names.push(name.clone());
        Volume {
            name,
            path: path.trim_end_matches('/'),
            size,
        }
    };
    settings.volumes.iter().map(volume).collect()
}

fn ports(settings: &Settings) -> Vec<Port> {
    let port = |port: &limen_import::oci::Port| {
        let protocol = match port.transport {
            Transport::Tcp => "tcp",
            Transport::Udp => "udp",
        };
        Port {
            name: format!("{protocol}-{}", port.number),
            protocol,
            inside: port.number,
        }
    };
    settings.ports.iter().map(port).collect()
}

/// A name for what lies at `path`: its last component in a name's letters.
fn named(path: &str) -> String {
    let last = path
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default();
    let letters = last
        .chars()
        .map(|letter| match letter.to_ascii_lowercase() {
            letter if letter.is_ascii_alphanumeric() => letter,
            _ => '-',
        });
    let name: String = letters.take(24).collect();
    let name = name.trim_matches('-');
    if name.starts_with(|first: char| first.is_ascii_lowercase()) {
        name.to_owned()
    } else {
        format!("v-{name}").trim_end_matches('-').to_owned()
    }
}

fn unique(name: &str, taken: &[String]) -> String {
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    let free = std::iter::once(name.to_owned())
        .chain(numbered)
        .find(|name| !taken.contains(name));
    free.unwrap_or_default()
}
