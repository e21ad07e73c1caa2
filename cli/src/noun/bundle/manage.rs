//! `limenctl bundle list | show | start | stop | restart | uninstall`

use clap::Args;
use limen_proto::name::Name;
use serde_json::{Value, json};

use super::object;
use crate::client::Client;
use crate::failure::Failure;
use crate::noun::vgw::posture_facts;
use crate::output::{Output, facts, plain, table};
use crate::quantity::{show_bytes, show_cpu};
use crate::words::{field, number};

/// Which bundle.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The bundle's name
    name: Name,
}

/// A removal.
#[derive(Debug, Args)]
pub(crate) struct Uninstall {
    /// The bundle's name
    name: Name,
    /// Keep its volumes for a later installation
    #[arg(long)]
    keep_volumes: bool,
}

impl Uninstall {
    pub(super) fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        let object = object(client, self.name.as_str())?;
        client.exec(&object, "uninstall", &[json!(self.keep_volumes)])?;
        done(output, &self.name, "uninstall");
        Ok(())
    }
}

pub(super) fn act(
    client: &Client,
    output: Output,
    which: &Which,
    operation: &str,
) -> Result<(), Failure> {
    client.exec(&object(client, which.name.as_str())?, operation, &[])?;
    done(output, &which.name, operation);
    Ok(())
}

fn done(output: Output, name: &Name, operation: &str) {
    let done = json!({"name": name.as_str(), "operation": operation});
    output.result(&done, || format!("{name}: {operation} done"));
}

pub(super) fn list(client: &Client, output: Output) -> Result<(), Failure> {
    let all = client.read_all("limen:type=Bundle,*")?;
    let all: Vec<Value> = all.iter().map(plain).collect();
    output.result(&json!(all), || {
        let rows: Vec<Vec<String>> = all.iter().map(row).collect();
        let headings = [
            "NAME",
            "VERSION",
            "STATE",
            "UNIT",
            "FAULT",
            "RESTARTS",
            "MEMORY",
            "CPU",
            "PROCESSES",
        ];
        table(&headings, &rows, "no bundle")
    });
    Ok(())
}

fn row(bundle: &Value) -> Vec<String> {
    vec![
        field(bundle, "name"),
        field(bundle, "version"),
        field(bundle, "state"),
        field(bundle, "unit-state"),
        field(bundle, "fault"),
        field(bundle, "restarts"),
        show_bytes(number(bundle, "memory-usage")),
        show_cpu(number(bundle, "cpu-usage")),
        field(bundle, "process-count"),
    ]
}

pub(super) fn posture(client: &Client, output: Output, which: &Which) -> Result<(), Failure> {
    let object = object(client, which.name.as_str())?;
    let posture = plain(&client.read(&object, &[], None)?)["posture"].clone();
    output.result(&posture, || posture_facts(&posture));
    Ok(())
}

pub(super) fn show(client: &Client, output: Output, which: &Which) -> Result<(), Failure> {
    let object = object(client, which.name.as_str())?;
    let bundle = plain(&client.read(&object, &[], None)?);
    output.result(&bundle, || {
        let ports = bundle["ports"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|port| {
                let part = |name| field(port, name);
                format!("{} {} ({})", part("protocol"), part("port"), part("name"))
            });
        let posture = bundle["posture"].as_object().into_iter().flatten();
        let posture = posture.map(|(name, value)| format!("{name} {value}"));
        facts(&[
            ("name", field(&bundle, "name")),
            ("version", field(&bundle, "version")),
            ("counter", field(&bundle, "counter")),
            ("description", field(&bundle, "description")),
            ("digest", field(&bundle, "digest")),
            ("state", field(&bundle, "state")),
            ("enabled", field(&bundle, "enabled")),
            ("unit", field(&bundle, "unit-state")),
            ("fault", field(&bundle, "fault")),
            ("detail", field(&bundle, "detail")),
            ("restarts", field(&bundle, "restarts")),
            ("last end", field(&bundle, "exit")),
            ("memory", show_bytes(number(&bundle, "memory-usage"))),
            ("processor", show_cpu(number(&bundle, "cpu-usage"))),
            ("processes", field(&bundle, "process-count")),
            ("ports", ports.collect::<Vec<_>>().join(", ")),
            ("exports", field(&bundle, "exports")),
            ("imports", field(&bundle, "imports")),
            ("posture", posture.collect::<Vec<_>>().join(", ")),
        ])
    });
    Ok(())
}
