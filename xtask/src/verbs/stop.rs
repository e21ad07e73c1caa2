//! `cargo xtask stop`: ends the box of `run --detach` in order.
//!
//! It asks the emulator to press the box's restart keys, so it works whatever state the box's own
//! programs are in; a box that does not end in time loses its power, which its state survives.

use std::fs;
use std::time::Duration;

use anyhow::Result;
use limen_images::machine::Found;

use crate::environment;
use crate::progress::Step;
use crate::workspace::Workspace;

/// Longer than the units' own time limits together.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Stops the box, if one runs.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let folder = workspace.run();
    let Some(found) = Found::find(&folder) else {
        println!("No box is running.");
        return Ok(());
    };
    let step = Step::start("stopping the box in order");
    let orderly = found.stop(LIMIT)?;
    // Best effort: without it a shell would only fail to connect.
    let _ = fs::remove_file(environment::path(workspace));
    step.done();
    if !orderly {
        println!(
            "It did not end in {} s and was cut off; its state survives that.",
            LIMIT.as_secs()
        );
    }
    Ok(())
}
