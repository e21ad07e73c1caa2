//! `limenctl bundle logs`: what a bundle printed
//!
//! Lines are numbered for as long as the gateway keeps them, so a reader sees by the numbers what was
//! dropped before it came.

use std::thread;
use std::time::Duration;

use clap::Args;
use limen_proto::name::Name;
use serde_json::{Value, json};

use super::object;
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{Output, clean, plain};
use crate::words::{number, time};

/// Lines asked for at once: the gateway's own maximum.
const PAGE: u32 = 256;
/// Pause between two looks when following.
const PAUSE: Duration = Duration::from_millis(500);

/// Which lines.
#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// The bundle's name
    name: Name,
    /// Lines behind this number
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    after: u64,
    /// Go on and print lines as they come; with --json one object a line
    #[arg(long, short)]
    follow: bool,
    /// Print number and time in front of each line
    #[arg(long, short)]
    times: bool,
}

impl Logs {
    pub(super) fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        let object = object(client, self.name.as_str())?;
        let mut after = self.after;
        let mut all = Vec::new();
        loop {
            let lines = plain(&client.exec(&object, "logs", &[json!(after), json!(PAGE)])?);
            let lines = lines.as_array().cloned().unwrap_or_default();
            let more = !lines.is_empty();
            for line in lines {
                after = after.max(number(&line, "number"));
                if self.follow || !output.json {
                    output.line(&line, || self.text(&line));
                } else {
                    all.push(line);
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

    fn text(&self, line: &Value) -> String {
        let text = clean(line["text"].as_str().unwrap_or_default());
        if !self.times {
            return text;
        }
        let when = time(number(line, "time") / 1000);
        format!("{} {when} {text}", number(line, "number"))
    }
}
