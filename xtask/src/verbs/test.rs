//! `cargo xtask test`: everything that must hold, cheap before expensive.
//!
//! The order is also the order in which a clean clone pays: dependencies are compiled once for
//! the lints and once for the tests, then the box programs, then the guests boot. `--long` adds
//! what takes more than the ordinary run's 25 minutes or needs more than the package registries.

use anyhow::Result;
use limen_cross::Target;

use super::{build, check, setup};
use crate::stage::{self, Stage};
use crate::workspace::Workspace;
use crate::{judge, process, scenarios, walks};

/// Command line of `test`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Also what takes long or needs more of the network: advisories, the other architecture
    #[arg(long)]
    long: bool,
    /// Only the stages with this in their names (repeatable)
    #[arg(long, value_name = "PART")]
    only: Vec<String>,
}

/// Runs all stages.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let mut stages = vec![Stage::new("set-up", || {
        setup::ready(workspace, Target::Aarch64).map(drop)
    })];
    stages.extend(check::style(workspace));
    stages.push(Stage::new("tests on this machine", || {
        process::run(check::cargo(workspace).args(["test", "--quiet", "--workspace"]))
    }));
    stages.push(Stage::new("licences and sources", || {
        judge::licences(workspace)
    }));
    if arguments.long {
        stages.push(Stage::optional("advisories", || {
            judge::advisories(workspace)
        }));
        stages.push(Stage::new("box programs for armv7", || {
            build::programs(workspace, Target::Armv7).map(drop)
        }));
    }
    stages.push(Stage::new("box programs and images", || {
        build::everything(workspace)
    }));
    for walk in walks::WALKS {
        stages.push(Stage::new(walk.stage, || {
            walks::play(workspace, walk, arguments.long)
        }));
    }
    for kernel in scenarios::KERNELS {
        stages.push(Stage::new(kernel.stage, || {
            scenarios::play(workspace, kernel.name, arguments.long)
        }));
    }
    stage::run_all(stage::only(stages, &arguments.only)?)
}
