//! Plays the scenarios on emulated gateways
//!
//! `cargo xtask test` calls it with the programs that it built. The last line counts; the serial log
//! of each gateway stays in its folder.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::Parser;
use limen_tests::gateway::Gateway;
use limen_tests::scenario::{ALL, Scenario, Scene};

/// Command line.
#[derive(Debug, Parser)]
#[command(about = "Plays the scenarios on emulated gateways")]
struct Arguments {
    /// The xtask program
    #[arg(long)]
    xtask: PathBuf,
    /// The limenctl program
    #[arg(long)]
    limenctl: PathBuf,
    /// The hostile program, built for the box
    #[arg(long)]
    adversary: PathBuf,
    /// Where the gateways' folders are made
    #[arg(long)]
    folder: PathBuf,
    /// Kernels to play on, one gateway each
    #[arg(long, value_delimiter = ',', default_value = "6.1,6.12")]
    kernels: Vec<String>,
    /// Take hours rather than minutes where a scenario can
    #[arg(long)]
    long: bool,
    /// Only scenarios whose name contains this (repeatable)
    #[arg(long)]
    only: Vec<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (mut passed, mut failed) = (0, 0);
    for kernel in &arguments.kernels {
        match play_all(&arguments, kernel) {
            Ok((good, bad)) => (passed, failed) = (passed + good, failed + bad),
            Err(fault) => {
                println!("{kernel}: no gateway: {fault:#}");
                failed += 1;
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    ExitCode::from(u8::from(failed > 0 || passed == 0))
}

fn play_all(arguments: &Arguments, kernel: &str) -> Result<(u32, u32)> {
    let begin = Instant::now();
    let folder = arguments.folder.join(kernel);
    let gateway = Gateway::boot(&arguments.xtask, &arguments.limenctl, &folder, kernel)?;
    println!("{kernel}: gateway up after {} s", begin.elapsed().as_secs());
    let mut scene = Scene::new(gateway, &arguments.adversary)?;
    scene.long = arguments.long;
    let (mut passed, mut failed) = (0, 0);
    let wanted = |scenario: &&Scenario| {
        let named = |only: &String| scenario.name.contains(only.as_str());
        arguments.only.is_empty() || arguments.only.iter().any(named)
    };
    for scenario in ALL.iter().filter(wanted) {
        let begin = Instant::now();
        let outcome = (scenario.play)(&mut scene);
        let seconds = begin.elapsed().as_secs();
        match outcome {
            Ok(()) => {
                passed += 1;
                println!("{kernel}: {:<20} ok ({seconds} s)", scenario.name);
            }
            Err(fault) => {
                failed += 1;
                println!(
                    "{kernel}: {:<20} FAILED ({seconds} s): {fault:#}",
                    scenario.name
                );
            }
        }
    }
    println!(
        "{kernel}: serial log in {}",
        folder.join("serial.log").display()
    );
    Ok((passed, failed))
}
