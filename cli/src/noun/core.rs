//! `limenctl core`: the box itself

use clap::Subcommand;
use serde_json::{Value, json};

use crate::client::{Client, Connection, Object};
use crate::failure::Failure;
use crate::output::{Output, facts, plain, table};
use crate::quantity::{show_bytes, show_cpu};
use crate::words::{field, number};

/// What can be done with the box.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show its core programs, memory, warnings, and what its kernel lacks
    Show,
    /// End core programs that hang, together, with SIGKILL; they are started again and nothing else
    /// notices
    Kill {
        /// Their names, as `core show` has them
        #[arg(required = true)]
        units: Vec<String>,
    },
    /// End everything in order and switch off
    PowerOff,
    /// End everything in order and start again
    Reboot,
}

impl Verb {
    /// Does it.
    pub(crate) fn run(&self, connection: &Connection, output: Output) -> Result<(), Failure> {
        let client = Client::open(connection)?;
        let object = Object {
            name: "limen:type=Core".to_owned(),
            absent: "only the operator sees the box itself; use the operator's certificate \
                     (--cert, --key)"
                .to_owned(),
        };
        let operation = match self {
            Self::Kill { units } => {
                client.exec(&object, "kill", &[json!(units.join(","))])?;
                let done = json!({"operation": "kill", "units": units});
                output.result(&done, || {
                    format!("{}: killed; init starts it again", units.join(", "))
                });
                return Ok(());
            }
            Self::Show => {
                let core = plain(&client.read(&object, &[], None)?);
                output.result(&core, || describe(&core));
                return Ok(());
            }
            Self::PowerOff => "powerOff",
            Self::Reboot => "reboot",
        };
        client.exec(&object, operation, &[])?;
        output.result(&json!({"operation": operation}), || {
            format!("{operation}: under way")
        });
        Ok(())
    }
}

fn describe(core: &Value) -> String {
    let memory = format!(
        "{} free of {}",
        show_bytes(number(core, "memory-available")),
        show_bytes(number(core, "memory-total"))
    );
    let units: Vec<Vec<String>> = core["units"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|unit| {
            vec![
                field(unit, "name"),
                field(unit, "state"),
                field(unit, "restarts"),
                show_bytes(number(unit, "memory-usage")),
                field(&unit["posture"], "compared"),
            ]
        })
        .collect();
    let box_facts = facts(&[
        ("version", field(core, "version")),
        ("kernel", field(core, "kernel")),
        ("memory", memory),
        ("up", show_cpu(number(core, "uptime") * 1000)),
        ("warnings", field(core, "warnings")),
    ]);
    let units = table(
        &["UNIT", "STATE", "RESTARTS", "MEMORY", "POSTURE"],
        &units,
        "no core unit",
    );
    let lacks: Vec<Vec<String>> = core["kernel-lacks"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|lack| {
            ["name", "required", "costs", "remedy"]
                .map(|part| field(lack, part))
                .into()
        })
        .collect();
    let lacks = table(
        &["KERNEL LACKS", "REQUIRED", "COSTS", "REMEDY"],
        &lacks,
        "the kernel lacks nothing",
    );
    format!("{box_facts}\n\n{units}\n\n{lacks}")
}
