//! unshare(2): leaving namespaces, not descriptor tables

use rustix::io::Errno;

use super::checked;
use super::clone::Namespaces;

/// Moves this thread into new namespaces (for pids: its next children).
///
/// # Errors
/// EPERM: a capability is missing. ENOSPC: a limit on namespaces.
pub fn unshare(namespaces: Namespaces) -> Result<(), Errno> {
    let flags = i32::try_from(namespaces.bits()).map_err(|_| Errno::INVAL)?;
    // SAFETY: `Namespaces` holds CLONE_NEW* flags only. CLONE_FILES, which would take descriptors
    // away from other threads, is not among them.
    let result = unsafe { libc::unshare(flags) };
    checked(result.into()).map(drop)
}
