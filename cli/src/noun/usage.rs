//! What is used and was used: `vgw usage`, `bundle usage`
//!
//! The same table for both: what is in use now, then the present month and all time, or, with
//! `--months`, every month that the gateway remembers.

use std::thread;
use std::time::Duration;

use clap::Args;
use limen_proto::name::Name;
use serde_json::{Value, json};

use crate::client::{Client, Object};
use crate::failure::Failure;
use crate::output::{Output, plain, table};
use crate::quantity::{show_bytes, show_cpu};
use crate::words::{field, number};

/// Pause between two looks when following.
const PAUSE: Duration = Duration::from_secs(5);

/// Whose use, and how much of it.
#[derive(Debug, Args)]
pub(crate) struct Usage {
    /// Its name; all of yours without
    pub(crate) name: Option<Name>,
    /// Month by month, the present one last
    #[arg(long, requires = "name")]
    months: bool,
    /// Go on and print it again every five seconds; with --json one object a line
    #[arg(long, short, conflicts_with = "months")]
    follow: bool,
}

/// What has an account.
pub(crate) struct Accounts<'a> {
    /// Pattern of all objects that have one.
    pub(crate) all: &'a str,
    /// The attribute that names one.
    pub(crate) named: &'a str,
    /// The object of a name.
    pub(crate) object: &'a dyn Fn(&str) -> Result<Object, Failure>,
}

impl Usage {
    /// Prints it.
    pub(crate) fn run(
        &self,
        client: &Client,
        output: Output,
        accounts: &Accounts<'_>,
    ) -> Result<(), Failure> {
        if let (true, Some(name)) = (self.months, &self.name) {
            let object = (accounts.object)(name.as_str())?;
            let months = plain(&client.exec(&object, "months", &[])?);
            let rows: Vec<_> = months.as_array().into_iter().flatten().collect();
            let rows = rows.iter().map(|month| counted(month));
            output.result(&months, || table(&COUNTED, &rows.collect::<Vec<_>>(), ""));
            return Ok(());
        }
        loop {
            let found = match &self.name {
                Some(name) => {
                    let object = (accounts.object)(name.as_str())?;
                    vec![plain(&client.read(&object, &[], None)?)]
                }
                None => client.read_all(accounts.all)?.iter().map(plain).collect(),
            };
            let used: Vec<Value> = found.iter().map(|one| used(one, accounts.named)).collect();
            if !self.follow {
                output.result(&json!(used), || show(&used, accounts.named));
                return Ok(());
            }
            if output.json {
                used.iter().for_each(|one| output.line(one, String::new));
            } else {
                output.line(&Value::Null, || show(&used, accounts.named));
            }
            thread::sleep(PAUSE);
        }
    }
}

/// The part of an object that is about use.
fn used(object: &Value, named: &str) -> Value {
    json!({
        named: object[named],
        "memory-usage": object["memory-usage"],
        "process-count": object["process-count"],
        "disk-usage": object["disk-usage"],
        "disk-limit": object["disk-limit"],
        "month": object["month"],
        "total": object["total"],
        "install-total": object["install-total"],
    })
}

const COUNTED: [&str; 10] = [
    "MONTH",
    "CPU",
    "THROTTLED",
    "PEAK",
    "OOM",
    "PIDS",
    "RESTARTS",
    "SENT",
    "RECEIVED",
    "WRITTEN",
];

fn counted(counters: &Value) -> Vec<String> {
    let packets = |bytes, packets| {
        format!(
            "{} ({} packets)",
            show_bytes(number(counters, bytes)),
            field(counters, packets)
        )
    };
    let month = match counters["month"].as_str() {
        Some(month) => month.to_owned(),
        None => "total".to_owned(),
    };
    vec![
        month,
        show_cpu(number(counters, "cpu-usage")),
        show_cpu(number(counters, "throttled-time")),
        show_bytes(number(counters, "memory-peak")),
        field(counters, "out-of-memory-kills"),
        field(counters, "process-limit-hits"),
        field(counters, "restarts"),
        packets("bytes-sent", "packets-sent"),
        packets("bytes-received", "packets-received"),
        show_bytes(number(counters, "disk-bytes-written")),
    ]
}

fn show(used: &[Value], named: &str) -> String {
    let mut headings = vec!["NAME", "MEMORY", "PROCESSES", "DISK"];
    headings.extend(COUNTED);
    let mut rows = Vec::new();
    for one in used {
        let mut row = vec![
            field(one, named),
            show_bytes(number(one, "memory-usage")),
            field(one, "process-count"),
            show_bytes(number(one, "disk-usage")),
        ];
        row.extend(counted(&one["month"]));
        rows.push(row);
        let mut row = vec![String::new(); 4];
        row.extend(counted(&one["total"]));
        rows.push(row);
        if one["install-total"].is_object() {
            let mut row = vec![String::new(); 4];
            row.extend(counted(&one["install-total"]));
            if let Some(month) = row.get_mut(4) {
                "install".clone_into(month);
            }
            rows.push(row);
        }
    }
    table(&headings, &rows, "nothing has an account")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_line_for_the_month_and_one_for_all_time() {
        let object = json!({
            "provider": "energy",
            "memory-usage": 1048576,
            "process-count": 3,
            "disk-usage": 2048,
            "state": "Active",
            "month": {"month": "2026-11", "cpu-usage": 1_500_000, "out-of-memory-kills": 1},
            "total": {"cpu-usage": 2_500_000, "bytes-sent": 4096, "packets-sent": 7},
            "install-total": {"cpu-usage": 700_000, "disk-bytes-written": 8192},
        });
        let used = used(&object, "provider");
        assert!(used["state"].is_null(), "about use only");
        let text = show(&[used], "provider");
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].starts_with("energy"), "{text}");
        assert!(lines[1].contains("2026-11"), "{text}");
        assert!(lines[2].contains("total"), "{text}");
        assert!(lines[2].contains("(7 packets)"), "{text}");
        assert!(lines[3].contains("install"), "{text}");
        assert!(lines[3].contains("8 KiB"), "{text}");
    }
}
