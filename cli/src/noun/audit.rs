//! `limenctl audit`: what was done, by whom, to whom

use std::thread;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use crate::client::{Client, Connection, Object};
use crate::failure::Failure;
use crate::output::{Output, clean, plain};
use crate::words::{field, number, time};

/// Pause between two looks when following.
const PAUSE: Duration = Duration::from_secs(1);

/// The audit trail: the operator's of the box, a provider's of what concerns it.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// Events behind this number
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    after: u64,
    /// Go on and print events as they happen; with --json one object a line
    #[arg(long, short)]
    follow: bool,
}

impl Audit {
    /// Prints it.
    pub(crate) fn run(&self, connection: &Connection, output: Output) -> Result<(), Failure> {
        let client = Client::open(connection)?;
        let caller = client.caller()?;
        let name = match caller.operator {
            true => "limen:type=Audit".to_owned(),
            false => format!("limen:type=Audit,provider={}", caller.provider),
        };
        let absent = "the gateway shows no audit trail".to_owned();
        let object = Object { name, absent };
        let mut after = self.after;
        let mut all = Vec::new();
        loop {
            let events = plain(&client.exec(&object, "events", &[json!(after)])?);
            let events = events.as_array().cloned().unwrap_or_default();
            let more = !events.is_empty();
            for event in events {
                after = after.max(number(&event, "number"));
                if self.follow || !output.json {
                    output.line(&event, || line(&event));
                } else {
                    all.push(event);
                }
            }
            match (more, self.follow) {
                (true, _) => {}
                (false, true) => thread::sleep(PAUSE),
                (false, false) => break,
            }
        }
        if output.json {
            output.result(&json!(all), String::new);
        }
        Ok(())
    }
}

fn line(event: &Value) -> String {
    let (when, actor) = (time(number(event, "time") / 1000), field(event, "actor"));
    let (about, text) = (field(event, "provider"), field(event, "text"));
    clean(&format!(
        "{} {when} {actor} {about}: {text}",
        field(event, "number")
    ))
}
