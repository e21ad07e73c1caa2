//! The scenarios of `tests/`, played on an emulated box per kernel.
//!
//! They drive boxes from outside, by this program and limenctl, in folders of their own: a
//! developer's box beside them is not touched.

use anyhow::{Context, Result};
use limen_cross::Target;

use crate::limenctl::Limenctl;
use crate::process;
use crate::turn::{Shared, Turn};
use crate::verbs::build;
use crate::verbs::check::cargo;
use crate::workspace::Workspace;

/// A kernel to play on.
pub(crate) struct Kernel {
    /// Its name for `run --kernel`.
    pub(crate) name: &'static str,
    /// Its name among the stages.
    pub(crate) stage: &'static str,
}

/// The oldest kernel that is promised to work, and the newest that was tried.
pub(crate) const KERNELS: &[Kernel] = &[
    Kernel {
        name: "6.1",
        stage: "scenarios, kernel 6.1",
    },
    Kernel {
        name: "6.12",
        stage: "scenarios, kernel 6.12",
    },
];

/// Plays all scenarios on one kernel; `long` takes hours rather than minutes.
pub(crate) fn play(workspace: &Workspace, kernel: &str, long: bool) -> Result<()> {
    let _turn = Turn::wait(
        workspace,
        Shared::Guests,
        &format!("the scenarios on kernel {kernel}"),
    )?;
    let limenctl = Limenctl::build(workspace)?;
    let built = build::programs(workspace, Target::Aarch64)?;
    let adversary = built
        .iter()
        .find(|built| built.program.name == "adversary")
        .context("the adversary is not among the box programs")?;
    let mut command = cargo(workspace);
    command
        .args([
            "run",
            "--quiet",
            "--package",
            "limen-tests",
            "--bin",
            "scenarios",
            "--",
            "--kernels",
            kernel,
        ])
        .arg("--xtask")
        .arg(std::env::current_exe().context("cannot find this program")?)
        .arg("--limenctl")
        .arg(limenctl.program())
        .arg("--adversary")
        .arg(&adversary.path)
        .arg("--folder")
        .arg(workspace.target().join("scenarios"));
    if long {
        command.arg("--long");
    }
    process::run(&mut command)
}

#[cfg(test)]
mod tests {
    use limen_cross::program;

    use super::*;

    #[test]
    fn every_pinned_kernel_is_played_on() -> Result<()> {
        let pinned: Vec<_> = limen_images::kernel::pins()?
            .into_iter()
            .map(|pin| pin.name)
            .collect();
        let played: Vec<_> = KERNELS
            .iter()
            .map(|kernel| kernel.name.to_owned())
            .collect();
        assert_eq!(pinned, played);
        Ok(())
    }

    #[test]
    fn the_adversary_is_built_for_the_box() {
        assert!(
            program::BOX
                .iter()
                .any(|program| program.name == "adversary")
        );
    }
}
