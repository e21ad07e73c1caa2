//! The end of a virtual gateway
//!
//! Processes first: while one lives, it holds the network namespace and with it the link. What was
//! counted is read when nothing moves any more, and before it goes.

use limen_proto::id::Slot;
use limen_proto::jail::Found;

use crate::fault::Fault;
use crate::step::{cgroup, network, quota};

pub(super) fn vgw(slot: Slot) -> Result<Found, Fault> {
    let ended = cgroup::end_vgw(slot);
    let removed = ended.and_then(|counters| cgroup::remove_vgw(slot).map(|()| counters));
    // Both are tried: a cgroup that cannot go must not leave the firewall open.
    let traffic = network::destroy(slot)?;
    let counters = removed?.and(traffic);
    Ok(Found {
        counters,
        disk: quota::used(slot),
        volumes: quota::used_by_bundles(slot),
        ..Found::default()
    })
}
