//! seccomp(2): installing a filter, for good

use core::ptr;

use rustix::io::Errno;

use super::checked;

/// `struct sock_filter`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    /// Operation.
    pub code: u16,
    /// Instructions skipped when the comparison holds.
    pub yes: u8,
    /// Instructions skipped when it does not.
    pub no: u8,
    /// Operand.
    pub value: u32,
}

/// `struct sock_fprog`.
#[repr(C)]
struct Program {
    length: u16,
    instructions: *const Instruction,
}

/// Puts the filter on this thread and all its descendants. Refusals are logged by the kernel.
///
/// # Errors
/// EACCES: no_new_privs is not set. EINVAL: a kernel without filters, or a bad filter.
pub fn install(filter: &[Instruction]) -> Result<(), Errno> {
    const SET_MODE_FILTER: u32 = 1;
    const FLAG_LOG: u32 = 1 << 1;
    let program = Program {
        length: u16::try_from(filter.len()).map_err(|_| Errno::INVAL)?,
        instructions: filter.as_ptr(),
    };
    // SAFETY: `program` has the layout of sock_fprog and points to `length` instructions with the
    // layout of sock_filter, which the kernel copies before it returns.
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            SET_MODE_FILTER,
            FLAG_LOG,
            ptr::from_ref(&program),
        )
    };
    checked(result).map(drop)
}
