//! `limenctl object`: managed objects as they are
//!
//! The values are printed as the gateway sends them, names unchanged: docs/reference/objects.md
//! describes them.

use clap::Subcommand;
use serde_json::{Value, json};

use crate::client::{Client, Connection, Object};
use crate::failure::Failure;
use crate::output::{Output, clean, table};

const EXAMPLES: &str = "\
Examples:
  limenctl object search 'limen:type=Bundle,*'
  limenctl object read limen:type=VirtualGateway,provider=energy State MemoryUsage
  limenctl object exec limen:type=Bundle,provider=energy,name=web logs 0 50";

/// What can be done with managed objects.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum Verb {
    /// List the names of the objects that you may see
    Search {
        /// A JMX pattern: * and ? in domain and values, * as last key for more keys
        #[arg(default_value = "limen:*")]
        pattern: String,
    },
    /// Read attributes of an object, or of all that match a pattern
    Read {
        /// Name or pattern
        name: String,
        /// Attributes; all of them without
        attributes: Vec<String>,
        /// Where inside the value, such as limits/memory
        #[arg(long, value_name = "PATH")]
        path: Option<String>,
    },
    /// Execute an operation of an object
    Exec {
        /// Name
        name: String,
        /// Operation, with or without signature
        operation: String,
        /// Arguments in order
        arguments: Vec<String>,
    },
}

impl Verb {
    /// Does it.
    pub(crate) fn run(&self, connection: &Connection, output: Output) -> Result<(), Failure> {
        let client = Client::open(connection)?;
        match self {
            Self::Search { pattern } => {
                let names = client.search(pattern)?;
                output.result(&json!(names), || match names.is_empty() {
                    true => "no object".to_owned(),
                    false => clean(&names.join("\n")),
                });
            }
            Self::Read {
                name,
                attributes,
                path,
            } => {
                let value = client.read(&object(name), attributes, path.as_deref())?;
                output.result(&value, || show(&value));
            }
            Self::Exec {
                name,
                operation,
                arguments,
            } => {
                let arguments: Vec<Value> = arguments.iter().map(|text| json!(text)).collect();
                let value = client.exec(&object(name), operation, &arguments)?;
                output.result(&value, || show(&value));
            }
        }
        Ok(())
    }
}

fn object(name: &str) -> Object {
    Object {
        name: name.to_owned(),
        absent: format!("there is no object {name} for you; see limenctl object search"),
    }
}

/// A plain value as it is, an object of values as two columns, anything else as JSON.
fn show(value: &Value) -> String {
    match value {
        Value::Null => "done".to_owned(),
        Value::String(text) => clean(text),
        Value::Object(map) if map.values().all(|inner| !inner.is_object()) => {
            let row = |(name, inner): (&String, &Value)| vec![name.clone(), plain_text(inner)];
            let rows: Vec<Vec<String>> = map.iter().map(row).collect();
            table(&["NAME", "VALUE"], &rows, "nothing")
        }
        other => clean(&format!("{other:#}")),
    }
}

fn plain_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
