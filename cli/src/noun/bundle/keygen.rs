//! `limenctl bundle keygen`

use std::path::PathBuf;

use clap::Args;
use limen_bundle::sign;
use serde_json::json;

use super::password::Password;
use crate::failure::Failure;
use crate::output::Output;

/// A new pair of keys.
#[derive(Debug, Args)]
pub(crate) struct Keygen {
    /// Where the secret key goes; never written over
    #[arg(long, value_name = "FILE")]
    secret: PathBuf,
    /// Where the public key goes [default: the secret's name and .pub]
    #[arg(long, value_name = "FILE")]
    public: Option<PathBuf>,
    #[command(flatten)]
    password: Password,
}

impl Keygen {
    pub(super) fn run(&self, output: Output) -> Result<(), Failure> {
        let beside = sign::public_path(&self.secret);
        let public = self.public.as_ref().unwrap_or(&beside);
        if public.symlink_metadata().is_ok() {
            let rule =
                "exists; a key is never written over, choose another name or remove it first";
            return Err(Failure::file(public, rule));
        }
        let key = sign::keygen(&self.secret, self.password.read()?);
        let key = key.map_err(|error| Failure::local(&error))?;
        if *public != beside {
            std::fs::rename(&beside, public).map_err(|error| Failure::file(public, error))?;
        }
        let made = json!({
            "secret": self.secret,
            "public": public,
            "id": key.id().to_string(),
        });
        output.result(&made, || {
            format!(
                "secret key {}: keep it to yourself\npublic key {}: give it to the operator",
                self.secret.display(),
                public.display()
            )
        });
        Ok(())
    }
}
