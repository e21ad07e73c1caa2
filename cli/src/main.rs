//! limenctl: the console for the terminal, and the bundle tool
//!
//! One file a noun below [`noun`]; each owns its verbs, their arguments and what they print. What a
//! noun asks of the gateway goes through [`client`]; why something did not happen is a
//! [`failure::Failure`], whose kind is the exit code.
//!
//! It decides nothing: the gateway does. What is checked here is what the gateway could not explain
//! better: files, forms, and who does not trust whom in TLS.

mod client;
mod contract;
mod failure;
mod noun;
mod output;
mod quantity;
mod words;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use client::Connection;
use output::Output;

const EXAMPLES: &str = "\
Who you are is your certificate: the operator's, or a provider's. The gateway shows each caller
its own world only.

  LIMEN_URL    https://HOST:PORT of the gateway          (--url)
  LIMEN_CA     authority that signed the gateway, PEM    (--ca)
  LIMEN_CERT   your certificate, PEM                     (--cert)
  LIMEN_KEY    its key, PEM                              (--key)

Examples:
  limenctl vgw create energy --contract energy.toml --authority ca.pem --signing-key energy.pub
  limenctl bundle pack manifest.toml root/ web.bundle --sign energy.key
  limenctl bundle install web.bundle
  limenctl bundle logs web --follow
  limenctl grant add energy.meter alarm
  limenctl --json vgw list | jq '.[].state'

Exit codes: 0 done, 1 refused by the gateway, 2 wrong usage, 3 gateway not reached or not trusted,
4 a file of this machine, 5 an answer that is not the protocol's.";

/// Manage a Limen gateway, and make bundles for it
#[derive(Debug, Parser)]
#[command(name = "limenctl", version, after_help = EXAMPLES, max_term_width = 100)]
struct Arguments {
    #[command(flatten)]
    connection: Connection,
    /// Print JSON instead of tables (errors too, on standard error)
    #[arg(long, global = true, help_heading = "Output")]
    json: bool,
    #[command(subcommand)]
    noun: Noun,
}

#[derive(Debug, Subcommand)]
enum Noun {
    /// Virtual gateways: create, start, stop, limit, remove, show
    #[command(subcommand)]
    Vgw(noun::vgw::Verb),
    /// Bundles: make and sign them here, install and run them on the gateway
    #[command(subcommand)]
    Bundle(noun::bundle::Verb),
    /// Grants: who may use which of your services
    #[command(subcommand)]
    Grant(noun::grant::Verb),
    /// Managed objects as they are: search, read, exec
    #[command(subcommand)]
    Object(noun::object::Verb),
    /// The box itself (operator)
    #[command(subcommand)]
    Core(noun::core::Verb),
    /// What was done, by whom, to whom
    Audit(noun::audit::Audit),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = Output {
        json: arguments.json,
    };
    let connection = &arguments.connection;
    let outcome = match &arguments.noun {
        Noun::Vgw(verb) => verb.run(connection, output),
        Noun::Bundle(verb) => verb.run(connection, output),
        Noun::Grant(verb) => verb.run(connection, output),
        Noun::Object(verb) => verb.run(connection, output),
        Noun::Core(verb) => verb.run(connection, output),
        Noun::Audit(audit) => audit.run(connection, output),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}
