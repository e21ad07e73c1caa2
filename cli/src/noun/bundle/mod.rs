//! `limenctl bundle`: from a directory on your machine to a running program on the gateway
//!
//! The first seven verbs need no gateway; the others act on your own virtual gateway.

mod deploy;
mod diff;
mod draft;
mod explain;
mod from_oci;
mod inspect;
mod keygen;
mod logs;
mod manage;
mod origin;
mod pack;
mod parcel;
mod password;
mod sign;
mod verify;

use clap::Subcommand;

use crate::client::{Client, Connection, Object};
use crate::failure::Failure;
use crate::noun::usage::{Accounts, Usage};
use crate::output::Output;

const EXAMPLES: &str = "\
Example, from nothing to running:
  limenctl bundle keygen --secret energy.key
  limenctl bundle pack manifest.toml root/ web.bundle --sign energy.key
  limenctl bundle inspect web.bundle --signing-key energy.key.pub
  limenctl bundle install web.bundle
  limenctl bundle list";

/// What can be done with bundles.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum Verb {
    /// Make a pair of signing keys
    Keygen(keygen::Keygen),
    /// Make a bundle from a manifest and a directory, a static program or Debian packages for each architecture
    Pack(pack::Pack),
    /// Make a bundle from an OCI image
    FromOci(from_oci::FromOci),
    /// Sign a bundle
    Sign(sign::Sign),
    /// Show what a bundle says of itself, with every byte checked
    Inspect(inspect::Inspect),
    /// Prove that every byte of a bundle is under one of the given keys
    Verify(verify::Verify),
    /// Show what a new version asks for that the old one did not, and which files differ
    Diff(diff::Diff),
    /// Send a bundle to your virtual gateway; the first version is started, a newer one takes its place
    Install(deploy::Install),
    /// List your bundles
    List,
    /// Show one bundle
    Show(manage::Which),
    /// Show what the kernel enforces on it, and how that compares with what should be
    Posture(manage::Which),
    /// Run it, now and after a power cut
    Start(manage::Which),
    /// End it, until it is started again
    Stop(manage::Which),
    /// End it and start it again
    Restart(manage::Which),
    /// End it and remove it
    Uninstall(manage::Uninstall),
    /// Show what is used, and what was used this month and in all
    Usage(Usage),
    /// List what the kernel refused to it, and what would allow each
    Explain(explain::Explain),
    /// Print what it printed
    Logs(logs::Logs),
}

impl Verb {
    /// Does it.
    pub(crate) fn run(&self, connection: &Connection, output: Output) -> Result<(), Failure> {
        let open = || Client::open(connection);
        match self {
            Self::Keygen(keygen) => keygen.run(output),
            Self::Pack(pack) => pack.run(output),
            Self::FromOci(image) => image.run(output),
            Self::Sign(sign) => sign.run(output),
            Self::Inspect(inspect) => inspect.run(output),
            Self::Verify(verify) => verify.run(output),
            Self::Diff(diff) => diff.run(output),
            Self::Install(install) => install.run(&open()?, output),
            Self::List => manage::list(&open()?, output),
            Self::Show(which) => manage::show(&open()?, output, which),
            Self::Posture(which) => manage::posture(&open()?, output, which),
            Self::Start(which) => manage::act(&open()?, output, which, "start"),
            Self::Stop(which) => manage::act(&open()?, output, which, "stop"),
            Self::Restart(which) => manage::act(&open()?, output, which, "restart"),
            Self::Uninstall(uninstall) => uninstall.run(&open()?, output),
            Self::Usage(usage) => {
                let client = open()?;
                let accounts = Accounts {
                    all: "limen:type=Bundle,*",
                    named: "name",
                    object: &|name| object(&client, name),
                };
                usage.run(&client, output, &accounts)
            }
            Self::Explain(explain) => explain.run(&open()?, output),
            Self::Logs(logs) => logs.run(&open()?, output),
        }
    }
}

/// A bundle of the caller's.
fn object(client: &Client, name: &str) -> Result<Object, Failure> {
    let provider = client.caller()?.provider;
    Ok(Object {
        name: format!("limen:type=Bundle,provider={provider},name={name}"),
        absent: format!("there is no bundle {name}; see limenctl bundle list"),
    })
}
