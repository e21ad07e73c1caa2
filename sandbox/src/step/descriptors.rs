//! What the payload does not inherit: everything
//!
//! All descriptors become close-on-exec, whoever opened them: a stray directory or cgroup that a
//! payload inherits is a way out. The few that it shall have are put at their numbers by the last
//! step, from copies.

use limen_proto::jail::Step;
use rustix::fs::{Mode, OFlags};

use crate::fault::{At, Fault};
use crate::sys::execute::close_from;

/// Standard input: the null device of the unit's own `/dev`. The box's would be one file that all
/// units can lock, and so talk through.
pub(crate) fn own_null() -> Result<(), Fault> {
    const NULL: &str = "/dev/null";
    rustix::fs::open(NULL, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
        .and_then(|null| rustix::stdio::dup2_stdin(&null))
        .at(Step::Descriptors, "open", NULL)
}

/// Marks every descriptor but the standard ones.
pub(crate) fn seal() -> Result<(), Fault> {
    close_from(3).at(
        Step::Descriptors,
        "mark as close-on-exec",
        "all descriptors",
    )
}
