//! How long the management endpoint takes to answer while a bundle attacks the box.
//!
//! The storms, and what must hold under each, are the scenarios' of `tests/`; here the answers are
//! counted. On the host's clock alone: on the other no network works in time. An emulator's seconds
//! are nobody's, so the figure to compare with is the one without a storm.

use std::time::Duration;

use anyhow::{Context, Result};
use limen_tests::gateway::Gateway;
use limen_tests::scenario::{Scene, answers_under_storms};

use super::{Figures, Subject, program};
use crate::progress::Step;

/// For each kind of storm: about a hundred answers.
const LASTING: Duration = Duration::from_secs(15);

/// Adds the figures.
pub(crate) fn measure(subject: &Subject<'_>, figures: &mut Figures) -> Result<()> {
    let step = Step::start("a box with the demonstration on it".to_owned());
    let gateway = Gateway::boot(
        &std::env::current_exe().context("cannot find this program")?,
        subject.limenctl.program(),
        &subject.folder.join("storms"),
        subject.kernel,
    )?;
    let mut scene = Scene::new(gateway, program(subject.programs, "adversary")?)?;
    step.done();
    let step = Step::start("the endpoint under storms".to_owned());
    for (name, watched) in answers_under_storms(&mut scene, LASTING)? {
        println!(
            "{name}: endpoint {}; page {}",
            watched.endpoint, watched.page
        );
        let slow = watched.endpoint.within(99);
        figures.add(format!("endpoint-{name}"), 1000.0 * slow.as_secs_f64());
    }
    step.done();
    Ok(())
}
