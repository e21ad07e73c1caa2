//! What the payload does not inherit: everything
//!
//! All descriptors become close-on-exec, whoever opened them: a stray directory or cgroup that a
//! payload inherits is a way out. The few that it shall have are put at their numbers by the last
//! step, from copies.

use limen_proto::jail::Step;

use crate::fault::{At, Fault};
use crate::sys::execute::close_from;

/// Marks every descriptor but the standard ones.
pub(crate) fn seal() -> Result<(), Fault> {
    close_from(3).at(
        Step::Descriptors,
        "mark as close-on-exec",
        "all descriptors",
    )
}
