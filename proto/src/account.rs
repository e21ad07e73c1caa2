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

/// Makes [`Counters`] and what goes over all of its fields from one table.
macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What one unit has used.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
        pub struct Counters {
            $($(#[$doc])* pub $name: u64,)*
        }

        /// How many there are.
        pub const COUNTERS: usize = [$(stringify!($name)),*].len();

        impl Counters {
            /// All values in the order of the fields.
            pub const fn list(self) -> [u64; COUNTERS] {
                [$(self.$name),*]
            }

            /// From [`Counters::list`].
            pub const fn from_list([$($name),*]: [u64; COUNTERS]) -> Self {
                Self { $($name),* }
            }

            fn each(self, other: Self, each: impl Fn(u64, u64) -> u64) -> Self {
                Self { $($name: each(self.$name, other.$name)),* }
            }
        }
    };
}

counters! {
    /// Processor time, microseconds (`cpu.stat` `usage_usec`).
    cpu_us,
    /// Time that its threads were held back by its processor limit, microseconds (`throttled_usec`).
    throttled_us,
    /// Windows of 100 ms in which they were (`nr_throttled`).
    throttled,
    /// Most memory at once, bytes (`memory.peak`). A maximum, not a sum.
    memory_peak,
    /// Times that it was slowed for its `memory.high` (`memory.events` `high`).
    memory_high,
    /// Times that it met its `memory.max` (`memory.events` `max`).
    memory_max,
    /// Processes that the kernel killed for want of memory (`memory.events` `oom_kill`).
    oom_kills,
    /// Processes and threads that were not made because of a limit (`pids.events` `max`).
    process_hits,
    /// Restarts that nobody asked for.
    restarts,
    /// Bytes that it sent (TR-181 `IP.Interface.Stats.BytesSent`).
    bytes_sent,
    /// Bytes that it received.
    bytes_received,
    /// Packets that it sent.
    packets_sent,
    /// Packets that it received.
    packets_received,
    /// Bytes that were read for it from disks (`io.stat` `rbytes`).
    disk_read,
    /// Bytes that were written for it to disks (`io.stat` `wbytes`).
    disk_written,
}

/// The cgroup files that [`Counters::take`] understands.
pub const FILES: [&str; 5] = [
    "cpu.stat",
    "memory.peak",
    MEMORY_EVENTS,
    "pids.events",
    "io.stat",
];

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
            "io.stat" => {
                self.disk_read = of_devices(text, "rbytes");
                self.disk_written = of_devices(text, "wbytes");
            }
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

    /// Each value by itself, but for the peak, which stays the larger one.
    fn with(self, other: Self, each: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            memory_peak: self.memory_peak.max(other.memory_peak),
            ..self.each(other, each)
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

/// The sum of `name=number` over the lines of `io.stat`, one a device.
fn of_devices(text: &str, name: &str) -> u64 {
    text.split_whitespace()
        .filter_map(|word| word.strip_prefix(name)?.strip_prefix('='))
        .filter_map(|number| number.parse::<u64>().ok())
        .fold(0, u64::saturating_add)
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
        counters.take(
            "io.stat",
            "254:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n254:16 rbytes=1 wbytes=2\n",
        );
        let expected = Counters {
            cpu_us: 7,
            throttled_us: 9,
            throttled: 2,
            memory_peak: 4096,
            memory_high: 2,
            memory_max: 3,
            oom_kills: 5,
            process_hits: 8,
            disk_read: 11,
            disk_written: 22,
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
