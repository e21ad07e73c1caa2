//! The developer's one door: `cargo xtask`.
//!
//! Each verb is a file in `verbs/`; what several of them need is a noun of its own beside it. A
//! verb does its work by calling the project's libraries and programs the way a person would, so
//! that whatever a verb does can be done by hand.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong usage, 3 something must be installed first, 4 an
//! emulated box is running already.

mod bench;
mod budget;
mod claim;
mod credentials;
mod demonstration;
mod deploy;
mod environment;
mod host;
mod judge;
mod limenctl;
mod page;
mod ports;
mod process;
mod progress;
mod scenarios;
mod stage;
mod telegram;
mod turn;
mod variant;
mod verbs;
mod walks;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

const START: &str = "\
Limen: one box, many providers, each behind its own threshold.

  cargo xtask run        build everything, boot an emulated ARM gateway, deploy the demonstration
  cargo xtask stop       end a box that was started with `run --detach`
  cargo xtask check      format, lints and unit tests: seconds, before each commit
  cargo xtask test       everything that must hold, in emulated guests on both kernels
  cargo xtask build      the programs and the image, no boot
  cargo xtask bench      the measurements of docs/benchmarks.md
  cargo xtask setup      install what the other verbs need (they call it themselves)

Each has --help. A guided first hour is in docs/guide/first-steps.md.
";

#[derive(Parser)]
#[command(
    bin_name = "cargo xtask",
    about = "The developer's one door",
    disable_help_subcommand = true
)]
struct CommandLine {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Subcommand)]
enum Verb {
    /// Install what is missing on this machine: Debian packages, Python wheels
    Setup(verbs::setup::Arguments),
    /// Build everything, boot an emulated gateway, deploy the demonstration
    Run(verbs::run::Arguments),
    /// End a box that was started with `run --detach`
    Stop,
    /// Build limenctl, the box programs and the image
    Build(verbs::build::Arguments),
    /// Format, lints and unit tests
    Check,
    /// Everything that must hold, in emulated guests on both kernels
    Test(verbs::test::Arguments),
    /// Measure starts, memory and sizes; writes docs/benchmarks.md and target/bench.json
    Bench(verbs::bench::Arguments),
    /// The meter at the far end of the emulated serial line
    #[command(hide = true)]
    Feed(verbs::feed::Arguments),
}

fn main() -> ExitCode {
    let Some(verb) = CommandLine::parse().verb else {
        print!("{START}");
        return ExitCode::SUCCESS;
    };
    match dispatch(verb) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cargo xtask: {error:#}");
            ExitCode::from(exit_code(&error))
        }
    }
}

fn dispatch(verb: Verb) -> Result<()> {
    let workspace = Workspace::find()?;
    match verb {
        Verb::Setup(arguments) => verbs::setup::run(&workspace, &arguments),
        Verb::Run(arguments) => verbs::run::run(&workspace, &arguments),
        Verb::Stop => verbs::stop::run(&workspace),
        Verb::Build(arguments) => verbs::build::run(&workspace, &arguments),
        Verb::Check => verbs::check::run(&workspace),
        Verb::Test(arguments) => verbs::test::run(&workspace, &arguments),
        Verb::Bench(arguments) => verbs::bench::run(&workspace, &arguments),
        Verb::Feed(arguments) => verbs::feed::run(&arguments),
    }
}

fn exit_code(error: &anyhow::Error) -> u8 {
    if error.is::<host::MayNotInstall>() {
        3
    } else if error.is::<claim::Busy>() {
        4
    } else {
        1
    }
}
