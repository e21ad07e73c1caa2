//! `limenctl vgw`: virtual gateways from outside

mod plan;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use limen_proto::contract::Contract;
use limen_proto::name::Name;
use serde_json::{Value, json};

use crate::client::{Client, Connection, Object};
use crate::contract::{self, ContractFlags};
use crate::failure::Failure;
use crate::noun::usage::{Accounts, Usage};
use crate::output::{Output, facts, plain, table};
use crate::quantity::{show_bytes, show_cpu};
use crate::words::{field, number};

const CREATE_EXAMPLE: &str = "\
Example:
  limenctl vgw create energy --authority energy-ca.pem --signing-key energy.pub \\
    --memory 64MiB --disk 128MiB --cpu-percent 50 --publish tcp:8080:80

The provider is known by its own certificate authority from then on: whoever holds a certificate
signed by it manages what is inside, and nobody else does.";

/// What can be done to virtual gateways.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Make a virtual gateway for a provider, and start it (operator)
    #[command(after_help = CREATE_EXAMPLE)]
    Create(Create),
    /// Run it, now and after a power cut (operator)
    Start(Whose),
    /// End it with everything inside, until it is started again (operator)
    Stop(Whose),
    /// End it and start it again (operator)
    Restart(Whose),
    /// Hold every process in it where it is, until it is thawed (operator)
    Freeze(Whose),
    /// Let the processes of a frozen one go on (operator)
    Thaw(Whose),
    /// Change its contract while it runs; what is not given stays (operator)
    Limit(Limit),
    /// Tell what would come of a contract, without changing anything; exit code 1 when it does not
    /// fit (operator)
    Plan(Limit),
    /// List virtual gateways: the operator all, a provider its own
    List,
    /// Show one with its contract, use and posture; without a name a provider's own
    Show(Shown),
    /// Show what is used, and what was used this month and in all
    Usage(Usage),
    /// Show what the kernel enforces on it, and how that compares with what should be
    Posture(Shown),
    /// Remove it with its bundles (operator)
    Remove(Remove),
}

/// Whose virtual gateway.
#[derive(Debug, Args)]
pub(crate) struct Whose {
    /// The provider
    provider: Name,
}

/// Whose virtual gateway, or one's own.
#[derive(Debug, Args)]
pub(crate) struct Shown {
    /// The provider
    provider: Option<Name>,
}

/// A new virtual gateway.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The provider's name: lower-case letters, digits, hyphens
    provider: Name,
    /// The provider's certificate authority, PEM
    #[arg(long, value_name = "FILE")]
    authority: PathBuf,
    /// A key that the provider signs bundles with, a minisign .pub file (repeatable)
    #[arg(long, value_name = "FILE", required = true)]
    signing_key: Vec<PathBuf>,
    #[command(flatten)]
    contract: ContractFlags,
}

/// A changed contract.
#[derive(Debug, Args)]
pub(crate) struct Limit {
    /// The provider
    provider: Name,
    #[command(flatten)]
    contract: ContractFlags,
}

/// A removal.
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The provider
    provider: Name,
    /// Destroy its volumes too; without this, volumes that hold data prevent the removal
    #[arg(long)]
    discard_volumes: bool,
}

impl Verb {
    /// Does it.
    pub(crate) fn run(&self, connection: &Connection, output: Output) -> Result<(), Failure> {
        let client = Client::open(connection)?;
        match self {
            Self::Create(create) => create.run(&client, output),
            Self::Start(whose) => act(&client, output, &whose.provider, "start", &[]),
            Self::Stop(whose) => act(&client, output, &whose.provider, "stop", &[]),
            Self::Restart(whose) => act(&client, output, &whose.provider, "restart", &[]),
            Self::Freeze(whose) => act(&client, output, &whose.provider, "freeze", &[]),
            Self::Thaw(whose) => act(&client, output, &whose.provider, "thaw", &[]),
            Self::Limit(limit) => limit.run(&client, output),
            Self::Plan(wish) => plan::run(&client, output, &wish.provider, &wish.contract),
            Self::List => list(&client, output),
            Self::Show(shown) => show(&client, output, shown.provider.as_ref()),
            Self::Usage(usage) => {
                let accounts = Accounts {
                    all: "limen:type=VirtualGateway,*",
                    named: "provider",
                    object: &|provider| Ok(object(provider)),
                };
                usage.run(&client, output, &accounts)
            }
            Self::Posture(shown) => posture(&client, output, shown.provider.as_ref()),
            Self::Remove(remove) => {
                let word = if remove.discard_volumes {
                    "discard-volumes"
                } else {
                    ""
                };
                act(&client, output, &remove.provider, "remove", &[json!(word)])
            }
        }
    }
}

fn factory() -> Object {
    Object {
        name: "limen:type=VirtualGatewayFactory".to_owned(),
        absent: "only the operator creates virtual gateways; use the operator's certificate \
                 (--cert, --key)"
            .to_owned(),
    }
}

fn object(provider: &str) -> Object {
    Object {
        name: format!("limen:type=VirtualGateway,provider={provider}"),
        absent: format!(
            "there is no virtual gateway of provider {provider} for you; see limenctl vgw list"
        ),
    }
}

fn act(
    client: &Client,
    output: Output,
    provider: &Name,
    operation: &str,
    arguments: &[Value],
) -> Result<(), Failure> {
    client.exec(&object(provider.as_str()), operation, arguments)?;
    let done = json!({"provider": provider.as_str(), "operation": operation});
    output.result(&done, || format!("{provider}: {operation} done"));
    Ok(())
}

impl Create {
    fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        let keys = self.signing_key.iter().map(|path| key(path));
        let wish = json!({
            "provider": self.provider.as_str(),
            "contract": self.contract.contract(None)?,
            "authority": text(&self.authority)?,
            "keys": keys.collect::<Result<Vec<_>, _>>()?,
        });
        let made = client.exec(&factory(), "createVirtualGw", &[json!(wish.to_string())])?;
        let made = plain(&made);
        output.result(&made, || {
            let (slot, address) = (field(&made, "slot"), field(&made, "address"));
            format!(
                "{}: created in slot {slot}, address {address}",
                self.provider
            )
        });
        Ok(())
    }
}

fn text(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| Failure::file(path, error))
}

fn key(path: &Path) -> Result<String, Failure> {
    let key = limen_bundle::sign::public_key(path);
    let key = key.map_err(|error| Failure::file(path, chain(&error)))?;
    Ok(key.line().to_owned())
}

fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error} ({cause})"),
        None => error.to_string(),
    }
}

impl Limit {
    fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        let object = object(self.provider.as_str());
        let held = client.read(&object, &["Contract".to_owned()], None)?;
        let held: Contract = serde_json::from_value(held)
            .map_err(|error| Failure::Protocol(format!("its contract: {error}")))?;
        let contract = json!(self.contract.contract(Some(held))?);
        let changed = client.exec(&object, "setContract", &[json!(contract.to_string())])?;
        let mut result = plain(&changed);
        result["contract"] = contract;
        output.result(&result, || {
            let keys = field(&result, "restart");
            match number(&result, "bundles") {
                0 => format!("{}: contract changed, in force", self.provider),
                count => format!(
                    "{}: contract changed, in force but for {keys} of {count} running bundles: \
                     their provider restarts them, or limenctl vgw restart {}",
                    self.provider, self.provider
                ),
            }
        });
        Ok(())
    }
}

fn list(client: &Client, output: Output) -> Result<(), Failure> {
    let all = client.read_all("limen:type=VirtualGateway,*")?;
    let all: Vec<Value> = all.iter().map(plain).collect();
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    output.result(&json!(all), || {
        let headings = [
            "PROVIDER",
            "SLOT",
            "STATE",
            "FAULT",
            "RESTARTS",
            "ADDRESS",
            "MEMORY",
            "CPU",
            "PROCESSES",
            "BUNDLES",
        ];
        table(&headings, &rows, "no virtual gateway")
    });
    Ok(())
}

fn row(vgw: &Value) -> Vec<String> {
    let limits = &vgw["contract"]["limits"];
    let memory = show_bytes(number(vgw, "memory-usage"));
    vec![
        field(vgw, "provider"),
        field(vgw, "slot"),
        state(vgw),
        field(vgw, "fault"),
        field(vgw, "restarts"),
        field(vgw, "address"),
        format!("{memory} of {}", show_bytes(number(limits, "memory"))),
        show_cpu(number(vgw, "cpu-usage")),
        format!(
            "{} of {}",
            field(vgw, "process-count"),
            field(limits, "processes")
        ),
        field(vgw, "bundle-count"),
    ]
}

fn state(vgw: &Value) -> String {
    let mut state = field(vgw, "state");
    for (attribute, words) in [("frozen", ", frozen"), ("volume-spent", ", volume spent")] {
        if vgw[attribute] == true {
            state.push_str(words);
        }
    }
    state
}

fn show(client: &Client, output: Output, provider: Option<&Name>) -> Result<(), Failure> {
    let vgw = read(client, provider)?;
    output.result(&vgw, || describe(&vgw));
    Ok(())
}

fn posture(client: &Client, output: Output, provider: Option<&Name>) -> Result<(), Failure> {
    let posture = read(client, provider)?["posture"].clone();
    output.result(&posture, || posture_facts(&posture));
    Ok(())
}

fn read(client: &Client, provider: Option<&Name>) -> Result<Value, Failure> {
    let provider = match provider {
        Some(provider) => provider.to_string(),
        None => client.caller()?.provider,
    };
    Ok(plain(&client.read(&object(&provider), &[], None)?))
}

/// What is enforced, a line for each part of it.
pub(crate) fn posture_facts(posture: &Value) -> String {
    let parts: Vec<_> = posture.as_object().into_iter().flatten().collect();
    let parts: Vec<_> = parts
        .iter()
        .map(|(name, _)| (name.as_str(), field(posture, name)))
        .collect();
    facts(&parts)
}

fn describe(vgw: &Value) -> String {
    let posture = vgw["posture"].as_object().into_iter().flatten();
    let posture = posture.map(|(name, value)| format!("{name} {value}"));
    let mut lines = vec![
        ("provider", field(vgw, "provider")),
        ("slot", field(vgw, "slot")),
        ("address", field(vgw, "address")),
        ("enabled", field(vgw, "enabled")),
        ("state", state(vgw)),
        ("fault", field(vgw, "fault")),
        ("detail", field(vgw, "detail")),
        ("restarts", field(vgw, "restarts")),
        ("bundles", field(vgw, "bundle-count")),
        ("posture", join(posture)),
        ("processor used", show_cpu(number(vgw, "cpu-usage"))),
        ("memory used", show_bytes(number(vgw, "memory-usage"))),
        ("processes", field(vgw, "process-count")),
    ];
    match serde_json::from_value::<Contract>(vgw["contract"].clone()) {
        Ok(contract) => lines.extend(contract::facts(&contract)),
        // A gateway of another version: what it says is better than nothing.
        Err(_) => lines.push(("contract", field(vgw, "contract"))),
    }
    facts(&lines)
}

fn join(parts: impl Iterator<Item = String>) -> String {
    let joined = parts.collect::<Vec<_>>().join(", ");
    if joined.is_empty() {
        "-".to_owned()
    } else {
        joined
    }
}
