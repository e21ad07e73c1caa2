//! What a unit has used: counters of the kernel, and their sums
//!
//! Every value but the peak only goes up while a unit's record lives in init, over all its lives:
//! what an ended life used is read before its cgroup and link go. Whoever adds up reads differences,
//! and tells a new record, whose counters begin at zero, by its [`Era`].
//!
//! The kernel's text is read here and nowhere else, for init, limen-jail and the steward alike: what
//! is not in it, or is no number, counts as nothing. No file is opened here.

use serde::{Deserialize, Serialize};

/// Tells one record of a unit from any other, over reboots too; 0 is no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Era(pub u64);

/// What one unit has used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Processor time, microseconds (`cpu.stat` `usage_usec`).
    pub cpu_us: u64,
    /// Time that its threads were held back by its processor limit, microseconds (`throttled_usec`).
    pub throttled_us: u64,
    /// Windows of 100 ms in which they were (`nr_throttled`).
    pub throttled: u64,
    /// Most memory at once, bytes (`memory.peak`). A maximum, not a sum.
    pub memory_peak: u64,
    /// Times that it was slowed for its `memory.high` (`memory.events` `high`).
    pub memory_high: u64,
    /// Times that it met its `memory.max` (`memory.events` `max`).
    pub memory_max: u64,
    /// Processes that the kernel killed for want of memory (`memory.events` `oom_kill`).
    pub oom_kills: u64,
    /// Processes and threads that were not made because of a limit (`pids.events` `max`).
    pub process_hits: u64,
    /// Restarts that nobody asked for.
    pub restarts: u64,
    /// Bytes that it sent (TR-181 `IP.Interface.Stats.BytesSent`).
    pub bytes_sent: u64,
    /// Bytes that it received.
    pub bytes_received: u64,
    /// Packets that it sent.
    pub packets_sent: u64,
    /// Packets that it received.
    pub packets_received: u64,
}

/// The cgroup files that [`Counters::take`] understands.
pub const FILES: [&str; 4] = ["cpu.stat", "memory.peak", MEMORY_EVENTS, "pids.events"];

/// The one of them that tells who was killed for want of memory.
pub const MEMORY_EVENTS: &str = "memory.events";

impl Counters {
    /// Takes what one of [`FILES`] says.
    pub fn take(&mut self, file: &str, text: &str) {
        match file {
            "cpu.stat" => {
                self.cpu_us = field(text, "usage_usec");
                self.throttled_us = field(text, "throttled_usec");
                self.throttled = field(text, "nr_throttled");
            }
            "memory.peak" => self.memory_peak = text.trim().parse().unwrap_or(0),
            MEMORY_EVENTS => {
                self.memory_high = field(text, "high");
                self.memory_max = field(text, "max");
                self.oom_kills = field(text, "oom_kill");
            }
            "pids.events" => self.process_hits = field(text, "max"),
            _ => {}
        }
    }

    /// Both together: sums, and the larger peak.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.with(other, u64::saturating_add)
    }

    /// What was added since `earlier`; nothing where a value is below the earlier one. The peak
    /// stays as it is.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            memory_peak: self.memory_peak,
            ..self.with(earlier, u64::saturating_sub)
        }
    }

    /// The larger of each value.
    #[must_use]
    pub fn at_least(self, other: Self) -> Self {
        self.with(other, u64::max)
    }

    /// All values in the order of the fields.
    pub const fn list(self) -> [u64; 13] {
        [
            self.cpu_us,
            self.throttled_us,
            self.throttled,
            self.memory_peak,
            self.memory_high,
            self.memory_max,
            self.oom_kills,
            self.process_hits,
            self.restarts,
            self.bytes_sent,
            self.bytes_received,
            self.packets_sent,
            self.packets_received,
        ]
    }

    /// From [`Counters::list`].
    pub const fn from_list(list: [u64; 13]) -> Self {
        let [
            cpu_us,
            throttled_us,
            throttled,
            memory_peak,
            memory_high,
            memory_max,
            oom_kills,
            process_hits,
            restarts,
            bytes_sent,
            bytes_received,
            packets_sent,
            packets_received,
        ] = list;
        Self {
            cpu_us,
            throttled_us,
            throttled,
            memory_peak,
            memory_high,
            memory_max,
            oom_kills,
            process_hits,
            restarts,
            bytes_sent,
            bytes_received,
            packets_sent,
            packets_received,
        }
    }

    fn with(self, other: Self, each: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            cpu_us: each(self.cpu_us, other.cpu_us),
            throttled_us: each(self.throttled_us, other.throttled_us),
            throttled: each(self.throttled, other.throttled),
            memory_peak: self.memory_peak.max(other.memory_peak),
            memory_high: each(self.memory_high, other.memory_high),
            memory_max: each(self.memory_max, other.memory_max),
            oom_kills: each(self.oom_kills, other.oom_kills),
            process_hits: each(self.process_hits, other.process_hits),
            restarts: each(self.restarts, other.restarts),
            bytes_sent: each(self.bytes_sent, other.bytes_sent),
            bytes_received: each(self.bytes_received, other.bytes_received),
            packets_sent: each(self.packets_sent, other.packets_sent),
            packets_received: each(self.packets_received, other.packets_received),
        }
    }

    /// Sent and received together, bytes.
    pub const fn traffic(self) -> u64 {
        self.bytes_sent.saturating_add(self.bytes_received)
    }
}

/// The number of a line `name number`.
fn field(text: &str, name: &str) -> u64 {
    text.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
        .and_then(|number| number.trim().parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_text_is_read_by_whole_names() {
        let mut counters = Counters::default();
        counters.take(
            "cpu.stat",
            "usage_usec 7\nuser_usec 5\nnr_periods 3\nnr_throttled 2\nthrottled_usec 9\n",
        );
        counters.take("memory.peak", "4096\n");
        counters.take(
            "memory.events",
            "low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\noom_group_kill 6\n",
        );
        counters.take("pids.events", "max 8\n");
        let expected = Counters {
            cpu_us: 7,
            throttled_us: 9,
            throttled: 2,
            memory_peak: 4096,
            memory_high: 2,
            memory_max: 3,
            oom_kills: 5,
            process_hits: 8,
            ..Counters::default()
        };
        assert_eq!(counters, expected);
        counters.take("cpu.stat", "usage_usec -1\nthrottled_usec x\n");
        assert_eq!((counters.cpu_us, counters.throttled_us), (0, 0));
    }

    #[test]
    fn sums_and_differences_belong_together() {
        let one = Counters {
            cpu_us: 5,
            memory_peak: 100,
            bytes_sent: u64::MAX,
            ..Counters::default()
        };
        let two = Counters {
            cpu_us: 8,
            memory_peak: 90,
            bytes_sent: 3,
            ..Counters::default()
        };
        let both = one.and(two);
        assert_eq!((both.cpu_us, both.memory_peak), (13, 100));
        assert_eq!(
            both.bytes_sent,
            u64::MAX,
            "it stops, it does not begin anew"
        );
        assert_eq!(two.since(one).cpu_us, 3);
        assert_eq!(two.since(one).bytes_sent, 0);
        assert_eq!(two.at_least(one).cpu_us, 8);
        assert_eq!(Counters::from_list(both.list()), both);
    }
}
