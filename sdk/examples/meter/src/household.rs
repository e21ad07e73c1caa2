//! What the meter said last, and how well it is heard
//!
//! Shared between the thread that listens and the one that serves. Pure: time comes from outside.

use std::time::{Duration, Instant};

use crate::energy_meter::{Reading, Reception};
use crate::p1::receiver::Damage;
use crate::p1::telegram::Telegram;

/// A meter that says nothing for so long is called quiet. DSMR 5 meters speak every second,
/// DSMR 4 ones every ten.
pub const QUIET: Duration = Duration::from_secs(15);

/// The state of the meter.
#[derive(Debug, Default)]
pub struct Household {
    last: Option<(Telegram, Instant)>,
    reception: Reception,
}

impl Household {
    /// Files what the receiver found.
    pub fn hear(&mut self, outcome: &Result<Telegram, Damage>, now: Instant) {
        match outcome {
            Ok(telegram) => {
                self.last = Some((telegram.clone(), now));
                self.reception.telegrams += 1;
            }
            Err(_) => self.reception.damaged += 1,
        }
    }

    /// The last reading with its age; none before the first.
    pub fn reading(&self, now: Instant) -> Option<Reading> {
        let (telegram, heard) = self.last.as_ref()?;
        let age = now.saturating_duration_since(*heard);
        let Telegram {
            meter,
            time,
            delivered_w,
            returned_w,
            delivered_wh,
            returned_wh,
            tariff,
        } = telegram.clone();
        Some(Reading {
            meter,
            time,
            age_ms: u64::try_from(age.as_millis()).unwrap_or(u64::MAX),
            delivered_w,
            returned_w,
            delivered_wh,
            returned_wh,
            tariff,
        })
    }

    /// Counts.
    pub const fn reception(&self) -> Reception {
        self.reception
    }

    /// Whether a meter that spoke before has gone quiet.
    pub fn is_quiet(&self, now: Instant) -> bool {
        let spoke = self.last.as_ref().map(|(_, heard)| *heard);
        spoke.is_some_and(|heard| now.saturating_duration_since(heard) > QUIET)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_grows_old_and_damage_does_not_renew_it() {
        let start = Instant::now();
        let mut household = Household::default();
        assert_eq!(household.reading(start), None);
        assert!(!household.is_quiet(start + QUIET * 2), "it never spoke");
        let telegram = Telegram {
            meter: "M".to_owned(),
            time: 1,
            delivered_w: 500,
            returned_w: 0,
            delivered_wh: [1, 2],
            returned_wh: [0, 0],
            tariff: 1,
        };
        household.hear(&Ok(telegram), start);
        let later = start + QUIET + Duration::from_millis(1);
        household.hear(&Err(Damage::CutShort), later);
        assert_eq!(household.reading(later).map(|one| one.age_ms), Some(15_001));
        assert!(household.is_quiet(later));
        let counts = Reception {
            telegrams: 1,
            damaged: 1,
        };
        assert_eq!(household.reception(), counts);
    }
}
