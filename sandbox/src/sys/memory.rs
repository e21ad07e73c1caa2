//! prctl(PR_SET_MDWE): no memory becomes executable

use rustix::io::Errno;

use super::checked;

/// Forbids this process and its descendants, also across execve(2), mappings that can be written and
/// executed, and making executable what was not.
///
/// # Errors
/// EINVAL: a kernel older than 6.3.
pub fn refuse_new_code() -> Result<(), Errno> {
    const NONE: libc::c_ulong = 0;
    let refuse = libc::c_ulong::from(libc::PR_MDWE_REFUSE_EXEC_GAIN);
    // SAFETY: the option takes numbers only and touches no memory of ours.
    let result = unsafe { libc::prctl(libc::PR_SET_MDWE, refuse, NONE, NONE, NONE) };
    checked(result.into()).map(drop)
}

/// The attack: anonymous memory to execute, memory to write and to execute, written memory that is
/// made executable.
#[cfg(test)]
pub fn make_code() -> [Result<(), Errno>; 3] {
    use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect};

    const PAGE: usize = 4096;
    let read_write = ProtFlags::READ | ProtFlags::WRITE;
    let map = |protection| {
        // SAFETY: the kernel chooses the place, so no memory of ours is replaced.
        unsafe { mmap_anonymous(core::ptr::null_mut(), PAGE, protection, MapFlags::PRIVATE) }
    };
    let turned = map(read_write).and_then(|page| {
        // SAFETY: the page was mapped above and nobody else knows it.
        unsafe { mprotect(page, PAGE, MprotectFlags::READ | MprotectFlags::EXEC) }
    });
    [
        map(ProtFlags::READ | ProtFlags::EXEC).map(drop),
        map(read_write | ProtFlags::EXEC).map(drop),
        turned,
    ]
}
