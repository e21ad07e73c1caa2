//! The files of a cgroup that limits and guarantees become
//!
//! Data: each file, what is written there, what a fresh cgroup holds already, and what the kernel
//! needs for it. A fresh cgroup is spared the writes that change nothing; a running one gets them
//! all. Source: Linux `Documentation/admin-guide/cgroup-v2.rst`.

use limen_proto::contract::{CPU_WINDOW_MS, Guarantees, Limits};

use super::OutOfMemory;

/// Length of the window in which `cpu.max` is counted, microseconds.
const WINDOW: u64 = CPU_WINDOW_MS as u64 * 1000;

/// Memory between the threshold that nobody asked for and the limit, bytes: the kernel lets 256 KiB
/// pass between two waits.
const LEAST_ROOM: u64 = 1 << 19;
/// More than this no wait needs.
const MOST_ROOM: u64 = 1 << 24;

/// One file and what belongs there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Knob {
    pub(super) file: &'static str,
    pub(super) value: String,
    /// What a cgroup has that nobody wrote to.
    pub(super) fresh: &'static str,
    /// What the kernel must have for the file to be there.
    pub(super) needs: &'static str,
}

const MEMORY: &str = "needs CONFIG_MEMCG, and no cgroup_disable=memory on the command line";
const PIDS: &str = "needs CONFIG_CGROUP_PIDS";
const WEIGHT: &str = "needs CONFIG_FAIR_GROUP_SCHED";
const BANDWIDTH: &str = "needs CONFIG_CFS_BANDWIDTH";
const SWAP: &str = "needs CONFIG_SWAP";

/// Everything but the disk's, in an order that a running cgroup takes too.
pub(super) fn knobs(limits: &Limits, guarantees: &Guarantees, victim: OutOfMemory) -> Vec<Knob> {
    let knob = |file, value: String, fresh, needs| Knob {
        file,
        value,
        fresh,
        needs,
    };
    let group = match victim {
        OutOfMemory::All => "1",
        OutOfMemory::One => "0",
    };
    let minimum = guarantees.memory.to_string();
    let burst = (u64::from(limits.cpu_burst_ms) * 1000).to_string();
    vec![
        knob("memory.max", limits.memory.to_string(), "max", MEMORY),
        knob("memory.high", high(limits).to_string(), "max", MEMORY),
        knob("memory.min", minimum, "0", MEMORY),
        // Swap would let a unit hold more than its memory.
        knob("memory.swap.max", "0".to_owned(), "max", SWAP),
        knob("memory.oom.group", group.to_owned(), "0", MEMORY),
        knob("pids.max", limits.processes.to_string(), "max", PIDS),
        knob("cpu.weight", limits.cpu_weight.to_string(), "100", WEIGHT),
        // A quota below the burst in force is refused, so the burst goes first.
        knob("cpu.max.burst", "0".to_owned(), "0", BANDWIDTH),
        knob(
            "cpu.max",
            quota(limits.cpu_percent),
            "max 100000",
            BANDWIDTH,
        ),
        knob("cpu.max.burst", burst, "0", BANDWIDTH),
    ]
}

/// `io.max` of one disk, given as its numbers.
pub(super) fn disk(limits: &Limits, numbers: &str) -> String {
    let rate = |bytes: u64| match bytes {
        0 => "max".to_owned(),
        some => some.to_string(),
    };
    let (read, write) = (rate(limits.read_rate), rate(limits.write_rate));
    format!("{numbers} rbps={read} wbps={write}")
}

/// `memory.high`: the threshold that was asked for, or one below the limit. Without any, who writes a
/// file faster than the disk takes it is killed for the pages that wait: the kernel (6.12) learns how
/// slow a disk is from the first writer, and only this threshold makes that one wait.
fn high(limits: &Limits) -> u64 {
    match limits.memory_high {
        0 => {
            let room = (limits.memory / 16).clamp(LEAST_ROOM, MOST_ROOM);
            limits.memory - room.min(limits.memory / 4)
        }
        asked => asked,
    }
}

/// `cpu.max`: time in each window, or no limit for 0 percent.
fn quota(percent: u16) -> String {
    match percent {
        0 => format!("max {WINDOW}"),
        some => format!("{} {WINDOW}", u64::from(some) * WINDOW / 100),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_of_one_core_becomes_microseconds_of_a_window() {
        assert_eq!(quota(0), "max 100000");
        assert_eq!(quota(50), "50000 100000");
        assert_eq!(quota(200), "200000 100000");
    }

    #[test]
    fn a_writer_is_slowed_down_before_it_is_killed() {
        let at = |memory, memory_high| {
            high(&Limits {
                memory,
                memory_high,
                ..Limits::ORDINARY
            })
        };
        assert_eq!(at(2 << 20, 0), 3 << 19);
        assert_eq!(at(16 << 20, 0), 15 << 20);
        assert_eq!(at(1 << 30, 0), (1 << 30) - (16 << 20));
        assert_eq!(at(16 << 20, 3 << 20), 3 << 20);
    }

    #[test]
    fn a_fresh_cgroup_is_written_only_what_it_does_not_hold() {
        let limits = Limits {
            memory: 1 << 20,
            processes: 8,
            ..Limits::ORDINARY
        };
        let written = |limits: &Limits, guarantees: &Guarantees| -> Vec<String> {
            knobs(limits, guarantees, OutOfMemory::One)
                .iter()
                .filter(|knob| knob.value != knob.fresh)
                .map(|knob| format!("{} {}", knob.file, knob.value))
                .collect()
        };
        assert_eq!(
            written(&limits, &Guarantees::default()),
            [
                "memory.max 1048576",
                "memory.high 786432",
                "memory.swap.max 0",
                "pids.max 8"
            ]
        );
        let full = Limits {
            cpu_percent: 50,
            cpu_burst_ms: 20,
            cpu_weight: 7,
            memory_high: 4096,
            ..limits
        };
        let guarantees = Guarantees {
            cpu_percent: 10,
            memory: 8192,
        };
        assert_eq!(
            written(&full, &guarantees),
            [
                "memory.max 1048576",
                "memory.high 4096",
                "memory.min 8192",
                "memory.swap.max 0",
                "pids.max 8",
                "cpu.weight 7",
                "cpu.max 50000 100000",
                "cpu.max.burst 20000",
            ]
        );
    }

    #[test]
    fn a_disks_rates_are_lifted_by_name() {
        let mut limits = Limits::ORDINARY;
        assert_eq!(disk(&limits, "254:0"), "254:0 rbps=max wbps=max");
        limits.write_rate = 1 << 20;
        assert_eq!(disk(&limits, "254:0"), "254:0 rbps=max wbps=1048576");
    }
}
