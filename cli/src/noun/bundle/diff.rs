//! `limenctl bundle diff`

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use clap::Args;
use limen_bundle::diff::{Change, Difference, Direction, Side, TreeDifference};
use serde_json::json;

use crate::failure::Failure;
use crate::output::{Output, clean, table};
use crate::quantity::show_bytes;

/// Paths of each kind that are printed without `--files`.
const SHOWN: usize = 10;

/// Two bundles to be compared.
#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The old version
    old: PathBuf,
    /// The new version
    new: PathBuf,
    /// List every file that differs
    #[arg(long)]
    files: bool,
    /// Exit with 1 if the new version asks for more
    #[arg(long)]
    refuse_more: bool,
}

impl Diff {
    pub(super) fn run(&self, output: Output) -> Result<(), Failure> {
        let (old, new) = (read(&self.old)?, read(&self.new)?);
        let difference = old.compare(&new);
        output.result(&json!(difference), || {
            self.describe(&difference, old.is(&new))
        });
        let more: Vec<&str> = difference
            .authority
            .iter()
            .filter(|change| is_more(change))
            .map(|it| it.key.as_str())
            .collect();
        if self.refuse_more && !more.is_empty() {
            let message = format!("the new version asks for more: {}", more.join(", "));
            return Err(Failure::Refused {
                message,
                kind: "MoreAuthority".to_owned(),
            });
        }
        Ok(())
    }

    fn describe(&self, difference: &Difference, same: bool) -> String {
        if same {
            return "the same bundle".to_owned();
        }
        let [old, new] = &difference.versions;
        let mut told = format!("{old} -> {new}");
        if difference.rollback {
            told.push_str(
                "\nthe new version's counter is lower: a gateway that has the old one refuses it",
            );
        }
        let row = |change: &Change| {
            let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
            vec![
                sign(change.direction).to_owned(),
                change.key.clone(),
                value(&change.old),
                value(&change.new),
            ]
        };
        let rows: Vec<_> = difference.authority.iter().map(row).collect();
        let headings = ["", "KEY", "OLD", "NEW"];
        told.push_str(&format!(
            "\n\n{}",
            table(&headings, &rows, "asks for the same")
        ));
        for tree in &difference.trees {
            told.push_str(&format!("\n\n{}", self.tree(tree)));
        }
        told
    }

    fn tree(&self, tree: &TreeDifference) -> String {
        let (new, stored) = (show_bytes(tree.new_bytes), show_bytes(tree.stored_bytes));
        let mut told = format!("{}: {new} of {stored} are new", tree.architecture);
        for (sign, paths) in [
            ('+', &tree.added),
            ('-', &tree.removed),
            ('~', &tree.changed),
        ] {
            let shown = if self.files {
                paths.len()
            } else {
                SHOWN.min(paths.len())
            };
            for path in &paths[..shown] {
                told.push_str(&format!("\n  {sign} {}", clean(path)));
            }
            if shown < paths.len() {
                told.push_str(&format!(
                    "\n  {sign} and {} more; --files lists them",
                    paths.len() - shown
                ));
            }
        }
        told
    }
}

fn is_more(change: &Change) -> bool {
    change.direction == Direction::More
}

fn sign(direction: Direction) -> &'static str {
    match direction {
        Direction::More => "more",
        Direction::Less => "less",
        Direction::Other => "other",
    }
}

fn read(path: &Path) -> Result<Side, Failure> {
    let file = File::open(path).map_err(|error| Failure::file(path, error))?;
    Side::read(BufReader::new(file)).map_err(|error| Failure::file(path, Failure::local(&error)))
}
