//! The posture read back: what the kernel says of a unit that runs, against what its spec promises
//!
//! Two records of texts by aspect: one read from `/proc` and the cgroup ([`read`]), one derived from
//! what the unit was built from ([`expected`]), by the same tables that the recipes use. Comparing them
//! is pure. Not here, because the kernel shows it to nobody else: securebits, Landlock's rules and
//! `PR_SET_MDWE`; those are tried out from inside.

mod expected;
mod mounts;
mod read;
mod record;

use std::os::fd::BorrowedFd;

use limen_proto::jail::{Inspected, Step};
use limen_proto::posture::{Aspects, Compared};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::fault::{At, Fault};

/// Compares a running unit with its spec. What differs is printed, and returned by its aspects.
///
/// # Errors
/// It ended meanwhile (ESRCH), or something could not be read.
pub(crate) fn inspect(inspected: &Inspected, process: BorrowedFd<'_>) -> Result<Compared, Fault> {
    let expected = expected::of(inspected)?;
    let found = read::unit(inspected, &expected);
    // A number is only that process's as long as its descriptor says that it lives.
    let mut wait = [PollFd::from_borrowed_fd(process, PollFlags::IN)];
    let ended = poll(&mut wait, Some(&Timespec::default())).at(Step::Posture, "look at", "it")?;
    if ended != 0 {
        return Err(Fault::new(Step::Posture, "read", "it", Errno::SRCH));
    }
    let mut aspects = Aspects::default();
    for difference in expected.differences(&found?) {
        eprintln!("limen-jail: posture: {difference}");
        aspects.insert(difference.aspect);
    }
    Ok(match aspects.is_empty() {
        true => Compared::Exact,
        false => Compared::Differs(aspects),
    })
}
