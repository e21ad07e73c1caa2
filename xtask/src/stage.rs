//! Stages of a test command: run in order, timed, listed at the end.
//!
//! The first failure ends the run, for the stages are ordered from cheap to expensive and an
//! expensive one tells little once a cheap one has failed. A stage that could not be run is
//! counted as skipped and says why: it is never a pass.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::progress;

/// How a stage that did not fail ended.
pub(crate) enum Outcome {
    /// It ran, and all was well.
    Passed,
    /// It could not run here, for this reason.
    Skipped(String),
}

/// One stage.
pub(crate) struct Stage<'a> {
    name: &'static str,
    run: Box<dyn FnOnce() -> Result<Outcome> + 'a>,
}

impl<'a> Stage<'a> {
    /// A stage that passes unless it fails.
    pub(crate) fn new(name: &'static str, run: impl FnOnce() -> Result<()> + 'a) -> Self {
        Self::optional(name, || run().map(|()| Outcome::Passed))
    }

    /// A stage that may find that it cannot run.
    pub(crate) fn optional(name: &'static str, run: impl FnOnce() -> Result<Outcome> + 'a) -> Self {
        Self {
            name,
            run: Box::new(run),
        }
    }
}

/// The stages with one of these parts in their names; all of them, when no part is asked for.
pub(crate) fn only<'a>(stages: Vec<Stage<'a>>, parts: &[String]) -> Result<Vec<Stage<'a>>> {
    let names: Vec<_> = stages.iter().map(|stage| stage.name).collect();
    for part in parts {
        if !names.iter().any(|name| name.contains(part.as_str())) {
            bail!(
                "no stage is called {part:?}; there are: {}",
                names.join("; ")
            );
        }
    }
    let wanted = |stage: &Stage<'_>| {
        parts.is_empty() || parts.iter().any(|part| stage.name.contains(part.as_str()))
    };
    Ok(stages.into_iter().filter(wanted).collect())
}

/// Runs the stages until one fails, and prints the time of each.
pub(crate) fn run_all(stages: Vec<Stage<'_>>) -> Result<()> {
    let mut report = Report::default();
    let mut waiting = stages.into_iter();
    for stage in waiting.by_ref() {
        progress::heading(stage.name);
        let started = Instant::now();
        let result = (stage.run)();
        let line = match &result {
            Ok(Outcome::Passed) => "passed".to_owned(),
            Ok(Outcome::Skipped(reason)) => format!("skipped: {reason}"),
            Err(error) => format!("FAILED: {error:#}"),
        };
        report.add(stage.name, started.elapsed(), line, &result);
        if result.is_err() {
            break;
        }
    }
    for stage in waiting {
        report
            .lines
            .push(format!("  {:<26} {:>13}  not reached", stage.name, ""));
    }
    report.print();
    if report.failed > 0 {
        bail!("a stage failed");
    }
    Ok(())
}

#[derive(Default)]
struct Report {
    lines: Vec<String>,
    total: Duration,
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Report {
    fn add(&mut self, name: &str, took: Duration, line: String, result: &Result<Outcome>) {
        self.lines.push(format!(
            "  {name:<26} {:>13}  {line}",
            progress::seconds(took)
        ));
        self.total += took;
        match result {
            Ok(Outcome::Passed) => self.passed += 1,
            Ok(Outcome::Skipped(_)) => self.skipped += 1,
            Err(_) => self.failed += 1,
        }
    }

    fn print(&self) {
        println!("\nStages:");
        for line in &self.lines {
            println!("{line}");
        }
        println!("  {:<26} {:>13}\n", "in all", progress::seconds(self.total));
        println!(
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        );
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn nothing_runs_after_a_failure() {
        let reached = Cell::new(false);
        let result = run_all(vec![
            Stage::new("good", || Ok(())),
            Stage::new("bad", || bail!("reason")),
            Stage::new("late", || {
                reached.set(true);
                Ok(())
            }),
        ]);
        assert!(result.is_err() && !reached.get());
    }

    #[test]
    fn only_what_is_asked_for_is_run() -> Result<()> {
        let stages = || {
            vec![
                Stage::new("walks", || Ok(())),
                Stage::new("lints", || Ok(())),
            ]
        };
        let names = |parts: &[&str]| -> Result<Vec<_>> {
            let parts: Vec<_> = parts.iter().map(ToString::to_string).collect();
            let chosen = only(stages(), &parts)?;
            Ok(chosen.iter().map(|stage| stage.name).collect())
        };
        assert_eq!(names(&[])?, ["walks", "lints"]);
        assert_eq!(names(&["walk"])?, ["walks"]);
        assert!(names(&["walk", "wolks"]).is_err());
        Ok(())
    }

    #[test]
    fn a_skipped_stage_fails_nothing() {
        let stages = vec![Stage::optional("absent", || {
            Ok(Outcome::Skipped("no network".into()))
        })];
        assert!(run_all(stages).is_ok());
    }
}
