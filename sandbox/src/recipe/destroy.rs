//! The end of a virtual gateway
//!
//! Processes first: while one lives, it holds the network namespace and with it the link.

use limen_proto::id::Slot;

use crate::fault::Fault;
use crate::step::{cgroup, network};

pub(super) fn vgw(slot: Slot) -> Result<(), Fault> {
    let cgroups = cgroup::remove_vgw(slot);
    // Both are tried: a cgroup that cannot go must not leave the firewall open.
    network::destroy(slot).and(cgroups)
}
