//! `limenctl grant`: who may use which of your services

use clap::Subcommand;
use limen_proto::name::{Interface, Name};
use serde_json::{Value, json};

use crate::client::{Client, Connection, Object};
use crate::failure::Failure;
use crate::output::{Output, plain, table};
use crate::words::{field, number, time};

const REVOKE_HELP: &str = "\
A grant is named by its number, or by interface and consumer:
  limenctl grant revoke 3
  limenctl grant revoke energy.meter alarm

References that were obtained under it are cut at once; what was delivered already stays delivered.";

/// What can be done with grants.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Let another provider's bundles use one of your services
    Add {
        /// The service's interface, such as energy.meter
        interface: Interface,
        /// The provider that may use it
        consumer: Name,
    },
    /// End a grant
    #[command(after_help = REVOKE_HELP)]
    Revoke {
        /// Number of the grant, or the interface
        #[arg(value_name = "ID|INTERFACE")]
        which: String,
        /// The provider that may use it, with an interface
        consumer: Option<Name>,
    },
    /// List grants: a provider those it gave or received, the operator all
    List,
}

impl Verb {
    /// Does it.
    pub(crate) fn run(&self, connection: &Connection, output: Output) -> Result<(), Failure> {
        let client = Client::open(connection)?;
        match self {
            Self::Add {
                interface,
                consumer,
            } => add(&client, output, interface, consumer),
            Self::Revoke { which, consumer } => revoke(&client, output, which, consumer.as_ref()),
            Self::List => list(&client, output),
        }
    }
}

fn own(provider: &str) -> Object {
    Object {
        name: format!("limen:type=Grants,provider={provider}"),
        absent: "grants are given by the provider that exports the service; use its certificate \
                 (--cert, --key)"
            .to_owned(),
    }
}

fn add(
    client: &Client,
    output: Output,
    interface: &Interface,
    consumer: &Name,
) -> Result<(), Failure> {
    let object = own(&client.caller()?.provider);
    let arguments = [json!(interface.as_str()), json!(consumer.as_str())];
    let grant = plain(&client.exec(&object, "add", &arguments)?);
    output.result(&grant, || {
        format!(
            "grant {}: {consumer} may use {interface}",
            field(&grant, "id")
        )
    });
    Ok(())
}

fn revoke(
    client: &Client,
    output: Output,
    which: &str,
    consumer: Option<&Name>,
) -> Result<(), Failure> {
    let provider = client.caller()?.provider;
    let id = match (which.parse::<u64>(), consumer) {
        (Ok(id), None) => id,
        (Ok(_), Some(_)) => {
            let rule = "a number names a grant by itself; leave out the consumer";
            return Err(Failure::Usage(rule.to_owned()));
        }
        (Err(_), None) => {
            let rule = "say which: limenctl grant revoke ID, or INTERFACE CONSUMER";
            return Err(Failure::Usage(rule.to_owned()));
        }
        (Err(_), Some(consumer)) => find(client, &provider, which, consumer)?,
    };
    let object = Object {
        name: format!("limen:type=Grant,provider={provider},id={id}"),
        absent: format!("there is no grant {id} that you gave; see limenctl grant list"),
    };
    client.exec(&object, "revoke", &[])?;
    output.result(&json!({"id": id, "operation": "revoke"}), || {
        format!("grant {id}: revoked")
    });
    Ok(())
}

fn find(client: &Client, provider: &str, interface: &str, consumer: &Name) -> Result<u64, Failure> {
    let pattern = format!("limen:type=Grant,provider={provider},*");
    let all = client.read_all(&pattern)?;
    let meant = |grant: &&Value| {
        grant["Interface"] == json!(interface) && grant["Consumer"] == json!(consumer.as_str())
    };
    let found = all
        .iter()
        .find(meant)
        .and_then(|grant| grant["Id"].as_u64());
    found.ok_or_else(|| Failure::Refused {
        message: format!(
            "there is no grant of {interface} to {consumer} that you gave; see limenctl grant list"
        ),
        kind: "NotFound".to_owned(),
    })
}

fn list(client: &Client, output: Output) -> Result<(), Failure> {
    let caller = client.caller()?;
    let object = if caller.operator {
        Object {
            name: "limen:type=Grants".to_owned(),
            absent: "the gateway shows no grants".to_owned(),
        }
    } else {
        own(&caller.provider)
    };
    let grants = plain(&client.exec(&object, "list", &[])?);
    output.result(&grants, || {
        let rows: Vec<Vec<String>> = grants.as_array().into_iter().flatten().map(row).collect();
        let headings = [
            "ID",
            "EXPORTER",
            "INTERFACE",
            "CONSUMER",
            "SINCE",
            "REFERENCES",
        ];
        table(&headings, &rows, "no grant")
    });
    Ok(())
}

fn row(grant: &Value) -> Vec<String> {
    vec![
        field(grant, "id"),
        field(grant, "exporter"),
        field(grant, "interface"),
        field(grant, "consumer"),
        time(number(grant, "created")),
        field(grant, "references"),
    ]
}
