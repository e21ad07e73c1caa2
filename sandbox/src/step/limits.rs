//! Resource limits and the order of death when the box runs out of memory
//!
//! cgroups bound what a unit takes together; these bound what one process may do to itself and to
//! tables of the kernel that no cgroup counts. Written while the full /proc is there.

use std::fs;

use limen_proto::jail::Step;
use rustix::process::{Resource, Rlimit, setrlimit};

use crate::fault::{At, Fault};

const STEP: Step = Step::Limits;

/// `oom_score_adj`: who dies first when the whole box is out of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Death {
    /// Never: without it all bundles of a virtual gateway die, and it holds next to nothing.
    Reaper = -1000,
    /// After all providers' programs: the core must live to start them again.
    Core = -800,
    /// First.
    Bundle = 300,
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
    fs::write(FILE, (death as i32).to_string()).at(STEP, "write", FILE)
}
