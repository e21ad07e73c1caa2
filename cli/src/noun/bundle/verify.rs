//! `limenctl bundle verify`

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use clap::Args;
use limen_bundle::inspect::{Signed, inspect};
use limen_bundle::sign;
use serde_json::json;

use crate::failure::Failure;
use crate::output::{Output, clean};

/// A bundle to be proved.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The bundle
    bundle: PathBuf,
    /// A key that may have signed it, a .pub file (repeatable)
    #[arg(long, value_name = "FILE", required = true)]
    signing_key: Vec<PathBuf>,
}

impl Verify {
    pub(super) fn run(&self, output: Output) -> Result<(), Failure> {
        let keys = self.signing_key.iter().map(|path| sign::public_key(path));
        let keys: Vec<_> = keys
            .collect::<Result<_, _>>()
            .map_err(|error| Failure::local(&error))?;
        let failed = |error: &dyn std::fmt::Display| Failure::file(&self.bundle, error);
        let file = File::open(&self.bundle).map_err(|error| failed(&error))?;
        let seen = inspect(BufReader::new(file), &keys)
            .map_err(|error| failed(&Failure::local(&error)))?;
        let (key, comment) = match &seen.signature {
            Signed::Verified { key, comment } => (key, comment),
            Signed::Unsigned | Signed::Unchecked { .. } => return Err(failed(&"is not signed")),
        };
        let told = json!({
            "name": seen.name, "version": seen.version, "provider": seen.provider,
            "digest": seen.digest, "key": key, "comment": comment,
        });
        output.result(&told, || {
            let (name, version, provider) = (&seen.name, &seen.version, &seen.provider);
            let comment = clean(comment);
            format!("{name} {version} of {provider}: good, signed by key {key}, \"{comment}\"")
        });
        Ok(())
    }
}
