//! `limenctl bundle sign`

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use clap::Args;
use limen_bundle::sign;
use serde_json::json;

use super::password::Password;
use crate::failure::Failure;
use crate::output::Output;

/// A signature to be made.
#[derive(Debug, Args)]
pub(crate) struct Sign {
    /// The bundle; it is signed in place
    bundle: PathBuf,
    /// The secret key
    #[arg(long, value_name = "FILE", required_unless_present = "signature")]
    secret: Option<PathBuf>,
    /// A signature that minisign made over the manifest, instead of a key
    #[arg(long, value_name = "FILE", conflicts_with = "secret")]
    signature: Option<PathBuf>,
    #[command(flatten)]
    password: Password,
}

impl Sign {
    pub(super) fn run(&self, output: Output) -> Result<(), Failure> {
        let signature = match (&self.secret, &self.signature) {
            (Some(secret), _) => {
                let key = self.password.key(secret)?;
                sign::sign_file(&self.bundle, &key).map_err(|error| Failure::local(&error))?
            }
            (None, Some(file)) => self.attach(file)?,
            (None, None) => return Err(Failure::Usage("give --secret or --signature".to_owned())),
        };
        let told = json!({
            "bundle": self.bundle,
            "key": signature.key().to_string(),
            "comment": signature.comment(),
        });
        output.result(&told, || {
            format!(
                "{}: signed by key {}",
                self.bundle.display(),
                signature.key()
            )
        });
        Ok(())
    }

    fn attach(&self, file: &Path) -> Result<limen_bundle::signature::Signature, Failure> {
        let minisig = std::fs::read_to_string(file).map_err(|error| Failure::file(file, error))?;
        let failed = |error| Failure::file(&self.bundle, error);
        let input = BufReader::new(File::open(&self.bundle).map_err(failed)?);
        let mut signed = Vec::new();
        let signature = sign::attach(input, &mut signed, &minisig);
        let signature = signature.map_err(|error| Failure::local(&error))?;
        let mut part = self.bundle.clone().into_os_string();
        part.push(".part");
        let part = PathBuf::from(part);
        std::fs::write(&part, signed).map_err(failed)?;
        std::fs::rename(&part, &self.bundle).map_err(failed)?;
        Ok(signature)
    }
}
