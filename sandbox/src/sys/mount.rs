//! mount_setattr(2): attributes of a mount before anyone can see it

use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::io::Errno;

use super::checked;

/// `MOUNT_ATTR_…` of `linux/mount.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attributes(u64);

impl Attributes {
    /// Nothing can be written.
    pub const READ_ONLY: Self = Self(0x1);
    /// Set-uid bits and file capabilities are ignored.
    pub const NO_SET_UID: Self = Self(0x2);
    /// Device nodes cannot be opened.
    pub const NO_DEVICES: Self = Self(0x4);
    /// Programs cannot be executed.
    pub const NO_EXECUTION: Self = Self(0x8);

    /// These and those.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn without(self, other: Self) -> u64 {
        self.0 & !other.0
    }
}

/// What a mount can have; what is not set is cleared.
const KNOWN: Attributes = Attributes(0xF);

/// `struct mount_attr`.
#[repr(C)]
struct Change {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

/// Gives exactly these attributes to one mount.
///
/// # Errors
/// EPERM: attributes that an outer user namespace has locked. ENOSYS: a kernel older than 5.12.
pub fn set_attributes(mount: BorrowedFd<'_>, attributes: Attributes) -> Result<(), Errno> {
    let change = Change {
        set: attributes.0,
        clear: KNOWN.without(attributes),
        propagation: 0,
        user_namespace: 0,
    };
    // SAFETY: `change` is the kernel's structure at the size given, the path is an empty C string
    // and AT_EMPTY_PATH makes the descriptor the object; nothing is written to our memory.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH,
            &raw const change,
            size_of::<Change>(),
        )
    };
    checked(result).map(drop)
}
