//! `limenctl bundle explain`: what was refused, and what would allow it

use std::thread;
use std::time::Duration;

use clap::Args;
use limen_proto::name::Name;
use serde_json::{Value, json};

use super::object;
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{Output, plain, table};
use crate::words::{field, number, time};

/// Pause between two looks when following.
const PAUSE: Duration = Duration::from_secs(2);

/// What was refused to a bundle, or would be.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The bundle's name
    name: Name,
    /// What the bundle may do with this path of its root
    #[arg(long, value_name = "PATH", conflicts_with = "port")]
    path: Option<String>,
    /// What the bundle may do with this port
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// Go on and print what is refused anew; with --json one object a line
    #[arg(long, short, conflicts_with_all = ["path", "port"])]
    follow: bool,
}

impl Explain {
    pub(super) fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        let object = object(client, self.name.as_str())?;
        let path = self.path.as_deref().unwrap_or_default();
        let port = self.port.unwrap_or(0);
        let mut shown: Vec<Value> = Vec::new();
        loop {
            let denials = plain(&client.exec(&object, "explain", &[json!(path), json!(port)])?);
            if !self.follow {
                output.result(&denials, || show(list(&denials)));
                return Ok(());
            }
            for denial in list(&denials)
                .iter()
                .filter(|denial| !shown.contains(denial))
            {
                output.line(denial, || line(denial));
            }
            shown = list(&denials).to_vec();
            thread::sleep(PAUSE);
        }
    }
}

fn list(denials: &Value) -> &[Value] {
    denials.as_array().map_or(&[], Vec::as_slice)
}

fn line(denial: &Value) -> String {
    format!(
        "{} ({} times): {}",
        field(denial, "what"),
        field(denial, "count"),
        field(denial, "remedy")
    )
}

fn show(denials: &[Value]) -> String {
    let when = |denial: &Value, what| match number(denial, what) {
        0 => "-".to_owned(),
        milliseconds => time(milliseconds / 1000),
    };
    let row = |denial: &Value| {
        vec![
            field(denial, "count"),
            when(denial, "first"),
            when(denial, "last"),
            field(denial, "what"),
            field(denial, "remedy"),
        ]
    };
    let rows: Vec<Vec<String>> = denials.iter().map(row).collect();
    let headings = ["COUNT", "FIRST", "LAST", "WHAT", "WHAT WOULD ALLOW IT"];
    table(&headings, &rows, "nothing was refused")
}
