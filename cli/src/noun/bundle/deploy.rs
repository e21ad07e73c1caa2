//! `limenctl bundle install`

use std::path::PathBuf;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::client::{Client, Progress};
use crate::failure::Failure;
use crate::output::Output;
use crate::words::field;

/// A bundle to send.
#[derive(Debug, Args)]
pub(crate) struct Install {
    /// The signed bundle
    bundle: PathBuf,
}

/// One bar: bytes sent, then bytes written. Drawn on standard error, if that is a terminal.
struct Bar(ProgressBar);

impl Progress for Bar {
    fn sent(&self, bytes: u64) {
        self.0.set_position(bytes);
        if Some(bytes) == self.0.length() {
            self.0.set_message("sent; being checked and written");
        }
    }

    fn written(&self, done: u64, total: u64) {
        self.0
            .set_message(format!("unpacked {done} of {total} bytes"));
    }
}

impl Install {
    pub(super) fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        let length = std::fs::metadata(&self.bundle);
        let length = length
            .map_err(|error| Failure::file(&self.bundle, error))?
            .len();
        let bar = if output.json {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(length)
        };
        let style = ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes} {msg}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        let bar = Bar(bar);
        let outcome = client.install(&self.bundle, &bar);
        bar.0.finish_and_clear();
        let installed = outcome?;
        output.result(&installed, || {
            let part = |name| field(&installed, name);
            format!("{} {}: {}", part("name"), part("version"), part("state"))
        });
        Ok(())
    }
}
