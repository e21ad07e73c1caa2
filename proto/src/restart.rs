//! Restart policy: TR-181's AutoRestart knobs
//!
//! Source: Broadband Forum TR-181 Issue 2, `SoftwareModules.ExecutionUnit.AutoRestart`: the wait
//! before restart n is `minimum_wait * (multiplier / 1000) ^ (n - 1)`, at most `maximum_wait`.

use serde::{Deserialize, Serialize};

/// When a unit that ended by itself is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RestartPolicy {
    /// Whether at all.
    pub enable: bool,
    /// Wait before the first restart, milliseconds.
    pub minimum_wait_ms: u32,
    /// Longest wait, milliseconds.
    pub maximum_wait_ms: u32,
    /// Growth of the wait from one restart to the next, in thousandths: 2000 doubles it.
    pub multiplier: u16,
    /// Active for this long, and the count of restarts begins anew; milliseconds.
    pub reset_ms: u32,
    /// Restarts in a row before the unit is `UnStartable`; 0 is no limit.
    pub retries: u16,
}

impl RestartPolicy {
    /// For core units: at once, then backing off to 10 s, for ever.
    pub const CORE: Self = Self {
        enable: true,
        minimum_wait_ms: 50,
        maximum_wait_ms: 10_000,
        multiplier: 2000,
        reset_ms: 30_000,
        retries: 0,
    };

    /// For one-shots: a failure is reported, never repeated.
    pub const NEVER: Self = Self {
        enable: false,
        minimum_wait_ms: 0,
        maximum_wait_ms: 0,
        multiplier: 1000,
        reset_ms: 0,
        retries: 0,
    };

    /// The wait before restart number `attempt` (the first is 1), milliseconds.
    pub fn wait_ms(&self, attempt: u16) -> u32 {
        let mut wait = u64::from(self.minimum_wait_ms);
        let ceiling = u64::from(self.maximum_wait_ms.max(self.minimum_wait_ms));
        for _ in 1..attempt {
            if wait >= ceiling {
                break;
            }
            wait = wait.saturating_mul(u64::from(self.multiplier.max(1000))) / 1000;
            if self.multiplier <= 1000 {
                break;
            }
        }
        u32::try_from(wait.min(ceiling)).unwrap_or(u32::MAX)
    }

    /// The same, scattered over a quarter of it, so that units that failed together do not come
    /// back together. Any number is good dice; the same gives the same wait.
    ///
    /// Longer than [`RestartPolicy::wait_ms`] while there is room below the longest wait, shorter at
    /// the longest, and never outside the two.
    pub fn scattered_ms(&self, attempt: u16, dice: u32) -> u32 {
        let wait = self.wait_ms(attempt);
        let window = wait / 4;
        let ceiling = self.maximum_wait_ms.max(self.minimum_wait_ms);
        let from = wait
            .min(ceiling.saturating_sub(window))
            .max(self.minimum_wait_ms);
        let to = wait.saturating_add(window).min(ceiling);
        let room = to.saturating_sub(from).saturating_add(1);
        from.saturating_add(dice.checked_rem(room).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scattered_waits_stay_within_the_policy() {
        let policy = RestartPolicy::CORE;
        for attempt in 1..12 {
            let wait = policy.wait_ms(attempt);
            let all = (0..5000).map(|dice| policy.scattered_ms(attempt, dice));
            let (least, most) = (all.clone().min().unwrap(), all.max().unwrap());
            assert!(least >= 50 && most <= 10_000, "{least} to {most}");
            assert!(least <= wait && wait <= most && most - least >= wait / 8);
        }
        let exact = RestartPolicy {
            minimum_wait_ms: 500,
            maximum_wait_ms: 500,
            ..policy
        };
        assert!((0..999).all(|dice| exact.scattered_ms(7, dice) == 500));
        assert_eq!(RestartPolicy::NEVER.scattered_ms(1, u32::MAX), 0);
    }

    #[test]
    fn waits_grow_to_the_ceiling() {
        let policy = RestartPolicy::CORE;
        assert_eq!([1, 2, 3].map(|n| policy.wait_ms(n)), [50, 100, 200]);
        assert_eq!(policy.wait_ms(u16::MAX), 10_000);
        assert_eq!(
            RestartPolicy {
                multiplier: 0,
                ..policy
            }
            .wait_ms(60_000),
            50
        );
        assert_eq!(
            RestartPolicy {
                minimum_wait_ms: 0,
                ..policy
            }
            .wait_ms(60_000),
            0
        );
    }
}
