//! Resource limits and the order of death when the box runs out of memory
//!
//! cgroups bound what a unit takes together; these bound what one process may do to itself and to
//! tables of the kernel that no cgroup counts. Written while the full /proc is there.

use std::fs;

use limen_proto::jail::Step;
use rustix::process::{Resource, Rlimit, setrlimit};

use super::cgroup::Cgroup;
use crate::fault::{At, Fault};

const STEP: Step = Step::Limits;

/// Who dies first when the whole box is out of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Death {
    /// Never: without it all bundles of a virtual gateway die, and it holds next to nothing.
    Reaper,
    /// After all providers' programs: the core must live to start them again.
    Core,
    /// First; who has most beyond what it is guaranteed before the others.
    Bundle {
        /// Memory that no neighbour may cost it, bytes.
        guaranteed: u64,
    },
}

impl Death {
    /// Its `oom_score_adj`. To what a process holds the kernel adds so many thousandths of the box's
    /// memory; who has most then dies. So what is guaranteed is taken off again: the kernel's own
    /// guarantee (`memory.min`) keeps memory from being reclaimed, not a process from being killed.
    pub(crate) fn score(self) -> i32 {
        match self {
            Self::Reaper => -1000,
            Self::Core => CORE,
            Self::Bundle { guaranteed } => {
                let system = rustix::system::sysinfo();
                bundle(guaranteed, bytes(system.totalram, system.mem_unit))
            }
        }
    }
}

/// A word of the kernel's, as long as the machine's are, times its unit.
fn bytes(count: impl Into<u64>, unit: u32) -> u64 {
    count.into().saturating_mul(unit.max(1).into())
}

const CORE: i32 = -800;
const BUNDLE: i32 = 300;

/// Guarantees leave the core its reserve, so a bundle's place is before the core's in any case.
fn bundle(guaranteed: u64, box_memory: u64) -> i32 {
    let thousandths = guaranteed.saturating_mul(1000).div_ceil(box_memory.max(1));
    let taken = i32::try_from(thousandths).unwrap_or(i32::MAX);
    BUNDLE.saturating_sub(taken).max(CORE + 1)
}

/// Limit, soft and hard value, why.
const LIMITS: &[(Resource, u64, u64, &str)] = &[
    (
        Resource::Core,
        0,
        0,
        "a core dump of a provider's data has no place to go",
    ),
    (
        Resource::Memlock,
        65536,
        65536,
        "locked memory cannot be reclaimed from anyone",
    ),
    (
        Resource::Rtprio,
        0,
        0,
        "a real-time loop stops everything else",
    ),
    (
        Resource::Nice,
        0,
        0,
        "shares of the processor are the contract's business",
    ),
    (
        Resource::Msgqueue,
        0,
        0,
        "POSIX queues outlive the program that made them",
    ),
    (
        Resource::Sigpending,
        1024,
        1024,
        "queued signals are counted per user only",
    ),
];

/// limen-jail's own: it dies with init. What it makes takes [`apply`].
pub(crate) fn of_jail() -> Result<(), Fault> {
    score(Death::Reaper)
}

/// Descriptors that a process has without asking: select(2) knows no more. Event loops raise it up
/// to the limit that they were given.
const SOFT_DESCRIPTORS: u64 = 1024;

/// The hard limit that [`apply`] sets.
pub(crate) fn hard(resource: Resource, descriptors: u32) -> Option<u64> {
    if resource == Resource::Nofile {
        return Some(descriptors.into());
    }
    let known = LIMITS.iter().find(|(known, ..)| *known == resource);
    known.map(|&(_, _, maximum, _)| maximum)
}

/// Sets all limits of this process; `descriptors` is the most that it may raise its own to.
pub(crate) fn apply(death: Death, descriptors: u32) -> Result<(), Fault> {
    score(death)?;
    let descriptors = u64::from(descriptors);
    let own = [(
        Resource::Nofile,
        SOFT_DESCRIPTORS.min(descriptors),
        descriptors,
        "what the contract, or the table, says",
    )];
    for &(resource, current, maximum, _) in LIMITS.iter().chain(&own) {
        let limit = Rlimit {
            current: Some(current),
            maximum: Some(maximum),
        };
        setrlimit(resource, limit).at(STEP, "set the limit", format_args!("{resource:?}"))?;
    }
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    Ok(())
}

fn score(death: Death) -> Result<(), Fault> {
    const FILE: &str = "/proc/self/oom_score_adj";
    fs::write(FILE, death.score().to_string()).at(STEP, "write", FILE)
}

/// Most passes over a cgroup whose processes multiply: then the next adjustment finds the rest.
const PASSES: usize = 8;

/// Gives all that runs in a cgroup another place in that order.
pub(crate) fn reorder(cgroup: &Cgroup, death: Death) -> Result<(), Fault> {
    let wanted = death.score().to_string();
    let mut done = String::new();
    for _ in 0..PASSES {
        let running = cgroup.processes()?;
        // A child that was born meanwhile has the old place of its parent.
        if running == done {
            break;
        }
        for process in running.lines() {
            // One that cannot be written to has ended meanwhile.
            let _ = fs::write(format!("/proc/{process}/oom_score_adj"), &wanted);
        }
        done = running;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_guaranteed_is_taken_off() {
        assert_eq!(bundle(0, 256 << 20), 300);
        assert_eq!(bundle(64 << 20, 256 << 20), 50);
        // Rounded in the bundle's favour.
        assert_eq!(bundle(1, 256 << 20), 299);
    }

    #[test]
    fn no_guarantee_takes_a_bundles_place_behind_the_cores() {
        assert_eq!(bundle(u64::MAX, 256 << 20), -799);
        assert_eq!(bundle(1 << 20, 0), -799);
    }
}
