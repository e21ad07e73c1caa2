//! What an image's configuration says of its program (OCI image specification 1.1, config.md)

use std::collections::BTreeMap;

use oci_spec::image::ImageConfiguration;

use super::error::ImageError;
use crate::tree::{Node, Tree};

/// Largest `/etc/passwd` that is looked into, bytes.
const PASSWD_BYTES: u64 = 1024 * 1024;

/// What is run, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Entrypoint and command, joined; may be empty.
    pub command: Vec<String>,
    /// Environment, by name.
    pub environment: BTreeMap<String, String>,
    /// Working directory, absolute.
    pub directory: String,
    /// Name of the user that it runs as; none for root and for a number that has no name in the image.
    pub user: Option<String>,
    /// Ports that it listens on.
    pub ports: Vec<Port>,
    /// Paths that outlive it.
    pub volumes: Vec<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

/// A port that an image exposes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Port {
    /// Its number.
    pub number: u16,
    /// Its transport.
    pub transport: Transport,
}

/// What a port is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// TCP, also where the image says nothing.
    Tcp,
    /// UDP.
    Udp,
}

impl Settings {
    pub(super) fn of(image: &ImageConfiguration, tree: &Tree) -> Result<Self, ImageError> {
        let config = image.config().clone().unwrap_or_default();
        let list = |list: &Option<Vec<String>>| list.clone().unwrap_or_default();
        let mut volumes = list(config.volumes());
        volumes.sort();
        let mut ports = list(config.exposed_ports())
            .iter()
            .map(|text| port(text))
            .collect::<Result<Vec<_>, _>>()?;
        ports.sort();
        Ok(Self {
            command: [list(config.entrypoint()), list(config.cmd())].concat(),
            environment: list(config.env())
                .iter()
                .map(|text| variable(text))
                .collect::<Result<_, _>>()?,
            directory: directory(config.working_dir().as_deref())?,
            user: user(config.user().as_deref().unwrap_or_default(), tree),
            ports,
            volumes,
            labels: config
                .labels()
                .clone()
                .unwrap_or_default()
                .into_iter()
                .collect(),
        })
    }
}

fn variable(text: &str) -> Result<(String, String), ImageError> {
    let why = "has no =; correct the image";
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| setting("environment", text, why))?;
    Ok((name.to_owned(), value.to_owned()))
}

fn directory(text: Option<&str>) -> Result<String, ImageError> {
    match text.unwrap_or_default() {
        "" => Ok("/".to_owned()),
        absolute if absolute.starts_with('/') => Ok(absolute.to_owned()),
        relative => Err(setting(
            "working directory",
            relative,
            "is not absolute; correct the image",
        )),
    }
}

/// `80`, `80/tcp`, `53/udp`.
fn port(text: &str) -> Result<Port, ImageError> {
    let (number, transport) = text.split_once('/').unwrap_or((text, "tcp"));
    let transport = match transport {
        "tcp" => Transport::Tcp,
        "udp" => Transport::Udp,
        _ => {
            return Err(setting(
                "port",
                text,
                "is neither of tcp nor of udp; correct the image",
            ));
        }
    };
    match number.parse() {
        Ok(number) if number > 0 => Ok(Port { number, transport }),
        _ => Err(setting(
            "port",
            text,
            "is no number from 1 to 65535; correct the image",
        )),
    }
}

/// The name in `USER[:GROUP]`; a number is looked up among the image's own users.
fn user(text: &str, tree: &Tree) -> Option<String> {
    let user = text.split(':').next().unwrap_or_default();
    let name = match user.parse::<u32>() {
        Ok(number) => name_of(number, tree)?,
        Err(_) => user.to_owned(),
    };
    (!name.is_empty() && name != "root").then_some(name)
}

fn name_of(number: u32, tree: &Tree) -> Option<String> {
    let Some(Node::File { content, .. }) = tree.get("etc/passwd") else {
        return None;
    };
    let passwd = tree.contents.text(*content, PASSWD_BYTES)?;
    let mut lines = passwd
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>());
    let line = lines.find(|fields| fields.get(2).is_some_and(|id| id.parse() == Ok(number)))?;
    line.first().map(|name| (*name).to_owned())
}

fn setting(what: &'static str, value: &str, why: &'static str) -> ImageError {
    let value = value.chars().take(200).collect();
    ImageError::Setting { what, value, why }
}
