//! Samples of one figure

use std::fmt;

/// What was measured, nanoseconds each.
#[derive(Debug, Default)]
pub(crate) struct Samples(Vec<u64>);

impl Samples {
    /// Adds the time between two readings of the clock.
    pub(crate) fn add(&mut self, from: u64, to: u64) {
        self.0.push(to.saturating_sub(from));
    }

    /// Says the figure.
    pub(crate) fn show(&self, name: &str) {
        println!("probe: figure {name} {self}");
    }
}

impl fmt::Display for Samples {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let least = sorted.first().copied().unwrap_or_default();
        let middle = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
        write!(out, "least {least} middle {middle} of {}", sorted.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_and_the_middle_of_what_was_added() {
        let mut samples = Samples::default();
        for took in [30, 10, 20] {
            samples.add(100, 100 + took);
        }
        assert_eq!(samples.to_string(), "least 10 middle 20 of 3");
        assert_eq!(Samples::default().to_string(), "least 0 middle 0 of 0");
    }
}
