//! What time it is for a certificate
//!
//! A box without a battery wakes up in 1970. The floor (the later of the image's build and the last
//! time seen) is the earliest time that is believed. While the clock stands below it, time is not
//! synchronised: not-after is held against the floor and not-before is not asked at all, so a
//! wrong clock locks nobody out and brings no expired certificate back to life.

use std::time::Duration;

use rustls::pki_types::UnixTime;

/// The clock's floor, seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Floor(pub u64);

/// A time to hold certificates against.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// The time.
    pub time: UnixTime,
    /// Whether a certificate that is not valid yet is refused.
    pub not_before_counts: bool,
}

impl Floor {
    /// The time to use when the clock shows `clock`.
    pub fn moment(self, clock: UnixTime) -> Moment {
        let synchronised = clock.as_secs() >= self.0;
        let seconds = clock.as_secs().max(self.0);
        Moment {
            time: UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
            not_before_counts: synchronised,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_holds_while_the_clock_is_behind_it() {
        let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let behind = Floor(1000).moment(at(7));
        assert_eq!(
            (behind.time.as_secs(), behind.not_before_counts),
            (1000, false)
        );
        let ahead = Floor(1000).moment(at(1001));
        assert_eq!(
            (ahead.time.as_secs(), ahead.not_before_counts),
            (1001, true)
        );
    }
}
