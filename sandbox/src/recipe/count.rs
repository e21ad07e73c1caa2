//! What is used of a virtual gateway's link and quota
//!
//! Asked for by the steward, whose jail has neither the box's network nor the right to read a quota.

use limen_proto::id::Slot;
use limen_proto::jail::Found;

use crate::fault::Fault;
use crate::step::{network, quota};

pub(super) fn vgw(slot: Slot) -> Result<Found, Fault> {
    let (disk, inodes) = quota::used(slot);
    Ok(Found {
        counters: network::traffic(slot)?,
        disk,
        inodes,
        refused: network::refusals(slot)?,
    })
}
