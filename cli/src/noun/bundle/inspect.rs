//! `limenctl bundle inspect`

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use clap::Args;
use limen_bundle::inspect::{Inspection, Signed};
use limen_bundle::{inspect, sign};
use serde_json::json;

use crate::failure::Failure;
use crate::output::{Output, clean, facts, table};
use crate::quantity::show_bytes;

/// A bundle to look at.
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The bundle
    bundle: PathBuf,
    /// It must be signed by this key, a .pub file (repeatable)
    #[arg(long, value_name = "FILE")]
    signing_key: Vec<PathBuf>,
    /// List its files too
    #[arg(long)]
    files: bool,
}

impl Inspect {
    pub(super) fn run(&self, output: Output) -> Result<(), Failure> {
        let keys = self.signing_key.iter().map(|path| sign::public_key(path));
        let keys: Vec<_> = keys
            .collect::<Result<_, _>>()
            .map_err(|error| Failure::local(&error))?;
        let file = File::open(&self.bundle).map_err(|error| Failure::file(&self.bundle, error))?;
        let seen = inspect::inspect(BufReader::new(file), &keys);
        let seen = seen.map_err(|error| {
            let text = Failure::local(&error);
            Failure::file(&self.bundle, text)
        })?;
        output.result(&json!(seen), || self.describe(&seen));
        Ok(())
    }

    fn describe(&self, seen: &Inspection) -> String {
        let signature = match &seen.signature {
            Signed::Unsigned => "none; no gateway takes it".to_owned(),
            Signed::Unchecked { key, comment } => {
                format!("names key {key} (not checked; give --signing-key), \"{comment}\"")
            }
            Signed::Verified { key, comment } => format!("good, by key {key}, \"{comment}\""),
        };
        let mut told = facts(&[
            ("name", seen.name.clone()),
            ("version", seen.version.clone()),
            ("provider", seen.provider.clone()),
            ("counter", seen.counter.to_string()),
            ("description", seen.description.clone()),
            ("digest", seen.digest.clone()),
            ("signature", signature),
        ]);
        for tree in &seen.architectures {
            let there = if tree.present {
                ""
            } else {
                ", not in this file"
            };
            let size = show_bytes(tree.unpacked);
            told.push_str(&format!(
                "\n\n{}: {} entries, {size}{there}",
                tree.architecture, tree.entries
            ));
            if self.files && !tree.files.is_empty() {
                let row = |file: &limen_bundle::inspect::InspectedEntry| {
                    let target = file.target.as_ref().map(|to| format!(" -> {to}"));
                    let name = format!("{}{}", file.path, target.unwrap_or_default());
                    vec![file.mode.clone(), file.size.to_string(), name]
                };
                let rows: Vec<_> = tree.files.iter().map(row).collect();
                told.push('\n');
                told.push_str(&table(&["MODE", "SIZE", "PATH"], &rows, ""));
            }
        }
        told.push_str("\n\nmanifest as signed:\n");
        told.push_str(&clean(&seen.manifest));
        told
    }
}
