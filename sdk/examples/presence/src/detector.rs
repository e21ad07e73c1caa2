//! Is somebody at home? A change detector on power draw
//!
//! People switch things on; a house alone draws its standing load and what its refrigerator takes.
//!
//! 1. The median of the last [`SMOOTHED`] samples stands for now: one odd sample changes nothing.
//! 2. The least such median of the last [`REMEMBERED`] samples is the standing load.
//! 3. While now lies at least `threshold` above the standing load, somebody is at home; and
//!    for `hold` more samples, because people do not switch without pause.
//!
//! It is simple and wrong at known places: who starts it with everything switched on is told
//! "away" until something is switched off once, and who sits in the dark is not at home.
//! A sample a second is expected; time is counted in samples, so the detector needs no clock.

use std::collections::VecDeque;

/// Samples whose median stands for now.
pub(crate) const SMOOTHED: usize = 5;
/// Samples in which the standing load is looked for: an hour.
pub(crate) const REMEMBERED: usize = 3600;

/// What the detector thinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// Somebody uses the house.
    Home,
    /// Nobody does.
    Away,
}

/// The detector.
#[derive(Debug)]
pub(crate) struct Detector {
    threshold: u32,
    hold: u32,
    recent: VecDeque<u32>,
    smoothed: VecDeque<u32>,
    held: u32,
}

impl Detector {
    /// `threshold` in watts above the standing load, `hold` in samples.
    pub(crate) const fn new(threshold: u32, hold: u32) -> Self {
        Self {
            threshold,
            hold,
            recent: VecDeque::new(),
            smoothed: VecDeque::new(),
            held: 0,
        }
    }

    /// One more sample, in watts.
    pub(crate) fn sample(&mut self, watts: u32) -> Presence {
        push(&mut self.recent, watts, SMOOTHED);
        let now = median(&self.recent);
        push(&mut self.smoothed, now, REMEMBERED);
        if now >= self.standing_load().saturating_add(self.threshold) {
            self.held = self.hold;
            return Presence::Home;
        }
        if self.held == 0 {
            return Presence::Away;
        }
        self.held -= 1;
        Presence::Home
    }

    /// The least draw remembered, watts.
    pub(crate) fn standing_load(&self) -> u32 {
        self.smoothed.iter().copied().min().unwrap_or(0)
    }
}

fn push(samples: &mut VecDeque<u32>, sample: u32, most: usize) {
    if samples.len() == most {
        samples.pop_front();
    }
    samples.push_back(sample);
}

fn median(samples: &VecDeque<u32>) -> u32 {
    let mut sorted: Vec<u32> = samples.iter().copied().collect();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(detector: &mut Detector, samples: impl IntoIterator<Item = u32>) -> Vec<Presence> {
        samples
            .into_iter()
            .map(|watts| detector.sample(watts))
            .collect()
    }

    #[test]
    fn a_refrigerator_is_nobody() {
        let mut detector = Detector::new(150, 30);
        let cycling = (0..2000).map(|second| if second % 50 < 20 { 140 } else { 50 });
        let seen = run(&mut detector, cycling);
        assert!(seen.iter().all(|one| *one == Presence::Away));
        assert_eq!(detector.standing_load(), 50);
    }

    #[test]
    fn lights_are_somebody_and_some_time_after_them_nobody() {
        let mut detector = Detector::new(150, 30);
        run(&mut detector, [60; 100]);
        let lit = run(&mut detector, [400; 20]);
        assert_eq!(lit.last(), Some(&Presence::Home));
        assert!(lit.iter().position(|one| *one == Presence::Home) <= Some(SMOOTHED));
        let dark = run(&mut detector, [60; 60]);
        assert_eq!(dark[20], Presence::Home);
        assert_eq!(dark[40], Presence::Away);
    }

    #[test]
    fn one_odd_sample_changes_nothing() {
        let mut detector = Detector::new(150, 30);
        run(&mut detector, [60; 100]);
        let seen = run(&mut detector, [60, 99_999, 60, 0, 60, 60, 60, 60]);
        assert!(seen.iter().all(|one| *one == Presence::Away));
        assert_eq!(detector.standing_load(), 60);
    }

    #[test]
    fn an_hour_later_a_new_standing_load_is_the_standing_load() {
        let mut detector = Detector::new(150, 30);
        run(&mut detector, [60; 100]);
        let seen = run(&mut detector, vec![300; REMEMBERED + 100]);
        assert_eq!(seen[REMEMBERED / 2], Presence::Home);
        assert_eq!(seen.last(), Some(&Presence::Away));
    }
}
