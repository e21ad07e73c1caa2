//! `limenctl vgw plan`: would it fit, and what would it displace?

use limen_proto::contract::Contract;
use limen_proto::name::Name;
use serde_json::{Value, json};

use super::factory;
use crate::client::Client;
use crate::contract::ContractFlags;
use crate::failure::Failure;
use crate::output::{Output, plain, table};
use crate::quantity::{show_bytes, show_rate};
use crate::words::{field, number};

pub(super) fn run(
    client: &Client,
    output: Output,
    provider: &Name,
    flags: &ContractFlags,
) -> Result<(), Failure> {
    let contract = flags.contract(held(client, provider)?)?;
    let wish = json!({"provider": provider.as_str(), "contract": contract});
    let answer = client.exec(&factory(), "planVirtualGw", &[json!(wish.to_string())])?;
    let plan = plain(&answer);
    output.result(&plan, || describe(&plan));
    let first = plan["obstacles"].as_array().and_then(|list| list.first());
    match first.and_then(Value::as_str) {
        None => Ok(()),
        Some(why) => Err(Failure::Refused {
            message: format!("it does not fit: {why}"),
            kind: "NotAdmitted".to_owned(),
        }),
    }
}

/// The contract that the provider has already.
fn held(client: &Client, provider: &Name) -> Result<Option<Contract>, Failure> {
    let all = client.read_all("limen:type=VirtualGateway,*")?;
    let own = all.iter().find(|vgw| vgw["Provider"] == provider.as_str());
    own.map(|vgw| serde_json::from_value(vgw["Contract"].clone()))
        .transpose()
        .map_err(|error| Failure::Protocol(format!("its contract: {error}")))
}

fn describe(plan: &Value) -> String {
    let list = |key: &str| plan[key].as_array().cloned().unwrap_or_default();
    let resources: Vec<Vec<String>> = list("resources").iter().map(resource).collect();
    let headings = [
        "RESOURCE",
        "FOR CONTRACTS",
        "PROMISED",
        "ASKED",
        "LEFT",
        "KEY",
    ];
    let mut parts = vec![table(
        &headings,
        &resources,
        "nothing is promised on this box",
    )];
    let displaced: Vec<Vec<String>> = list("displaced").iter().map(displaced).collect();
    if !displaced.is_empty() {
        let headings = ["WOULD YIELD", "OF", "GUARANTEED", "LEFT WITH"];
        parts.push(table(&headings, &displaced, ""));
    }
    let obstacles = list("obstacles");
    if obstacles.is_empty() {
        parts.push("it fits".to_owned());
    } else {
        let lines = obstacles.iter().filter_map(Value::as_str);
        parts.extend(lines.map(|line| format!("obstacle: {line}")));
    }
    parts.join("\n\n")
}

fn resource(one: &Value) -> Vec<String> {
    let unit = one["unit"].as_str().unwrap_or_default();
    let amount = |key: &str| show(unit, number(one, key));
    vec![
        field(one, "resource"),
        amount("total"),
        amount("promised"),
        amount("asked"),
        amount("left"),
        field(one, "key"),
    ]
}

fn displaced(one: &Value) -> Vec<String> {
    let unit = one["unit"].as_str().unwrap_or_default();
    let amount = |key: &str| show(unit, number(one, key));
    vec![
        field(one, "provider"),
        field(one, "resource"),
        amount("guaranteed"),
        amount("left"),
    ]
}

fn show(unit: &str, amount: u64) -> String {
    match unit {
        "bytes" => show_bytes(amount),
        // No rate is a limit of 0 here: nothing is left.
        "bits a second" if amount > 0 => show_rate(amount),
        "bits a second" => "0 bit/s".to_owned(),
        "percent of a core" => format!("{amount} %"),
        _ => amount.to_string(),
    }
}
