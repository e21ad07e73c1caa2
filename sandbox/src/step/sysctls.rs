//! Settings of the new namespaces, written while the full /proc is still there
//!
//! The kernel picks the namespace by who writes, so the first process of the virtual gateway does
//! it, before it gives its rights away. Nothing inside can write them afterwards.

use std::fs;

use limen_proto::id::Slot;
use limen_proto::jail::Step;
use limen_proto::limits::SLOT_IDS;
use rustix::io::Errno;

use crate::fault::{At, Fault, Reason};

const STEP: Step = Step::Sysctls;
const MEMORY_FILES: &str = "/proc/sys/vm/memfd_noexec";

/// Settings of a network namespace that are the same for every virtual gateway.
pub(crate) fn of_network() -> Result<(), Fault> {
    // Its own network: port 80 is as good as any other, and no capability is needed for it.
    set("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0")
}

/// Settings of a virtual gateway's network and pid namespace.
pub(crate) fn of_vgw(slot: Slot) -> Result<(), Fault> {
    let (first, last) = (slot.first_id(), slot.first_id() + SLOT_IDS - 1);
    // Raw sockets are out of reach; this is how ping works without them. Outer group ids.
    set(
        "/proc/sys/net/ipv4/ping_group_range",
        &format!("{first} {last}"),
    )?;
    // Files in memory cannot be executed, and nobody inside can allow it again. Before 6.3 there
    // is no such setting, and seccomp refuses memfd_create instead.
    match fs::write(MEMORY_FILES, "2") {
        Err(error) if error.errno() != Errno::NOENT => Err(error).at(STEP, "write", MEMORY_FILES),
        _ => Ok(()),
    }
}

/// Whether the kernel refuses to execute files in memory in this pid namespace.
pub(crate) fn memory_files_are_harmless() -> bool {
    fs::read_to_string(MEMORY_FILES).is_ok_and(|value| value.trim() == "2")
}

fn set(path: &'static str, value: &str) -> Result<(), Fault> {
    fs::write(path, value).at(STEP, "write", path)
}
