//! Who watches while others are attacked: a neighbour's page and the management endpoint
//!
//! Both are asked in turn for as long as the attack lasts. An answer that does not come is an error
//! of the box; how long the answers took is told, never asserted: an emulator's time is nobody's.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::console::Console;
use crate::page;

/// Answers to one kind of question.
#[derive(Debug, Clone, Default)]
pub struct Answers(Vec<Duration>);

/// What was watched.
#[derive(Debug, Clone, Default)]
pub struct Watched {
    /// The endpoint's.
    pub endpoint: Answers,
    /// The page's.
    pub page: Answers,
}

impl Answers {
    fn add(&mut self, begun: Instant) {
        self.0.push(begun.elapsed());
    }

    /// The time within which so many of a hundred answers came.
    #[must_use]
    pub fn within(&self, percent: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let place = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
        sorted.get(place).copied().unwrap_or_default()
    }
}

impl fmt::Display for Answers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (middle, slow) = (self.within(50), self.within(99));
        write!(
            out,
            "{} answers, middle {} ms, p99 {} ms",
            self.0.len(),
            middle.as_millis(),
            slow.as_millis()
        )
    }
}

/// Asks both for as long as `lasting`, and at least twice.
///
/// # Errors
/// One of them did not answer, or not what it should.
pub fn watch(operator: &Console, address: &str, lasting: Duration) -> Result<Watched> {
    let begun = Instant::now();
    let mut watched = Watched::default();
    while begun.elapsed() < lasting || watched.page.0.len() < 2 {
        let asked = Instant::now();
        let vgws = operator
            .json(&["vgw", "list"])
            .context("the endpoint under attack")?;
        watched.endpoint.add(asked);
        ensure!(
            vgws.as_array().is_some_and(|list| list.len() >= 2),
            "{vgws}"
        );
        let asked = Instant::now();
        page::get(address, "/").context("the neighbour's page under attack")?;
        watched.page.add(asked);
    }
    Ok(watched)
}

/// What an attack must leave as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lives {
    /// Restarts of each core unit.
    pub core: Vec<(String, u64)>,
    /// Restarts of each virtual gateway.
    pub vgws: Vec<(String, u64)>,
}

/// Counts the restarts of what must not restart.
///
/// # Errors
/// The box does not say.
pub fn lives(operator: &Console) -> Result<Lives> {
    let core = operator.json(&["core", "show"])?;
    let vgws = operator.json(&["vgw", "list"])?;
    let mut counted = Lives {
        core: Vec::new(),
        vgws: Vec::new(),
    };
    for unit in core["units"].as_array().into_iter().flatten() {
        counted.core.push(named(unit, "name")?);
    }
    for vgw in vgws.as_array().into_iter().flatten() {
        counted.vgws.push(named(vgw, "provider")?);
    }
    // Hands come and go.
    counted.core.retain(|(name, _)| name != "install");
    Ok(counted)
}

fn named(value: &Value, key: &str) -> Result<(String, u64)> {
    let name = value[key]
        .as_str()
        .with_context(|| format!("no {key} in {value}"))?;
    let restarts = value["restarts"]
        .as_u64()
        .with_context(|| format!("no restarts in {value}"))?;
    Ok((name.to_owned(), restarts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_of_a_hundred_is_told_apart() {
        let answers = Answers((1..=100).map(Duration::from_millis).collect());
        assert_eq!(answers.within(50), Duration::from_millis(51));
        assert_eq!(answers.within(99), Duration::from_millis(100));
        assert_eq!(
            Answers::default().to_string(),
            "0 answers, middle 0 ms, p99 0 ms"
        );
    }
}
