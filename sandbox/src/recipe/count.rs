//! What is used of a virtual gateway's link and quotas
//!
//! Asked for by the steward, whose jail has neither the box's network nor the right to read a quota.

use std::os::fd::AsFd;

use limen_proto::id::Slot;
use limen_proto::jail::Found;

use super::Given;
use crate::fault::Fault;
use crate::step::{network, quota};

pub(super) fn vgw(slot: Slot, given: &mut Given) -> Result<Found, Fault> {
    let inside = given.take("the network namespace")?;
    let (counters, refused) = network::count(slot, inside.as_fd())?;
    Ok(Found {
        counters,
        disk: quota::used(slot),
        volumes: quota::used_by_bundles(slot),
        refused,
    })
}
