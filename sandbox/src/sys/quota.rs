//! Project ids of directories, and the quotas of projects and users

use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::io::Errno;

use super::checked;

/// `FS_XFLAG_PROJINHERIT`: what is made below has the same project.
const INHERIT: u32 = 0x200;
/// `FS_IOC_FSGETXATTR`, `_IOR('X', 31, struct fsxattr)`.
const GET: u32 = 0x801C_581F;
/// `FS_IOC_FSSETXATTR`, `_IOW('X', 32, struct fsxattr)`.
const SET: u32 = 0x401C_5820;
/// The same number on every architecture (`unistd.h`, since 5.14).
const SYS_QUOTACTL_FD: libc::c_long = 443;
/// `QCMD(Q_GETQUOTA, 0)`, `QCMD(Q_SETQUOTA, 0)` and `QCMD(Q_GETNEXTQUOTA, 0)`; the kind is added.
const GET_QUOTA: u32 = 0x8000_0700;
const SET_QUOTA: u32 = 0x8000_0800;
const NEXT_QUOTA: u32 = 0x8000_0900;

/// `struct fsxattr`.
#[repr(C)]
#[derive(Default)]
struct Extended {
    flags: u32,
    extent_size: u32,
    extents: u32,
    project: u32,
    copy_on_write: u32,
    padding: [u8; 8],
}

/// Whose quota is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// Everything that this uid of the box owns, wherever it lies on the disk.
    User(u32),
    /// Everything under this project id, whoever owns it.
    Project(u32),
}

impl Holder {
    /// `USRQUOTA` or `PRJQUOTA`, and the id.
    const fn numbers(self) -> (u32, u32) {
        match self {
            Self::User(id) => (0, id),
            Self::Project(id) => (2, id),
        }
    }
}

/// What somebody may have, or has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amount {
    /// Bytes.
    pub bytes: u64,
    /// Files, directories and links.
    pub inodes: u64,
}

/// `struct if_dqblk`, and behind it what makes it a `struct if_nextdqblk`.
#[repr(C)]
#[derive(Default)]
struct Quota {
    hard_blocks: u64,
    soft_blocks: u64,
    bytes: u64,
    hard_inodes: u64,
    soft_inodes: u64,
    inodes: u64,
    block_grace: u64,
    inode_grace: u64,
    valid: u32,
    id: u32,
}

/// `QIF_LIMITS`.
const LIMITS: u32 = 1 | 4;
/// `QIF_DQBLKSIZE`: the kernel counts blocks of this many bytes.
const BLOCK: u64 = 1024;

/// Puts a directory, and everything made below it from now on, under a project.
///
/// # Errors
/// ENOTTY, EOPNOTSUPP: the file system knows no projects. EINVAL: inside a user namespace.
pub fn set_project(directory: BorrowedFd<'_>, project: u32) -> Result<(), Errno> {
    let mut attributes = Extended::default();
    // SAFETY: the request writes one fsxattr, the type and size of `attributes`.
    let result = unsafe { libc::ioctl(directory.as_raw_fd(), GET as _, &raw mut attributes) };
    checked(result.into())?;
    if attributes.project == project && attributes.flags & INHERIT != 0 {
        return Ok(());
    }
    attributes.project = project;
    attributes.flags |= INHERIT;
    // SAFETY: the request reads one fsxattr, the type and size of `attributes`.
    let result = unsafe { libc::ioctl(directory.as_raw_fd(), SET as _, &raw const attributes) };
    checked(result.into()).map(drop)
}

/// What the kernel can be told: bytes in whole KiB, and of neither nothing, which it takes for no
/// limit.
pub fn rounded(most: Amount) -> Amount {
    Amount {
        bytes: most.bytes.max(BLOCK) / BLOCK * BLOCK,
        inodes: most.inodes.max(1),
    }
}

/// Limits a holder on the file system of `directory`, [`rounded`].
///
/// # Errors
/// ESRCH: quotas of this kind are not in force (the file system has none, or the module quota_v2
/// was not there at the mount). ENOSYS: no quotas in the kernel.
pub fn limit(directory: BorrowedFd<'_>, holder: Holder, most: Amount) -> Result<(), Errno> {
    let most = rounded(most);
    let mut quota = Quota {
        hard_blocks: most.bytes / BLOCK,
        soft_blocks: most.bytes / BLOCK,
        hard_inodes: most.inodes,
        soft_inodes: most.inodes,
        valid: LIMITS,
        ..Quota::default()
    };
    call(directory, SET_QUOTA, holder, &mut quota)
}

/// The limits that are in force for a holder; zero is none.
///
/// # Errors
/// As [`limit`].
pub fn limits(directory: BorrowedFd<'_>, holder: Holder) -> Result<Amount, Errno> {
    get(directory, holder).map(|quota| Amount {
        bytes: quota.hard_blocks * BLOCK,
        inodes: quota.hard_inodes,
    })
}

/// What a holder has.
///
/// # Errors
/// As [`limit`].
pub fn used(directory: BorrowedFd<'_>, holder: Holder) -> Result<Amount, Errno> {
    get(directory, holder).map(|quota| quota.has())
}

/// The first holder of the same kind, from this one on, of whom the kernel keeps a record, and what
/// it has.
///
/// # Errors
/// As [`limit`]. ENOENT: there is none.
pub fn next(directory: BorrowedFd<'_>, holder: Holder) -> Result<(u32, Amount), Errno> {
    let mut quota = Quota::default();
    call(directory, NEXT_QUOTA, holder, &mut quota)?;
    Ok((quota.id, quota.has()))
}

impl Quota {
    const fn has(&self) -> Amount {
        Amount {
            bytes: self.bytes,
            inodes: self.inodes,
        }
    }
}

fn get(directory: BorrowedFd<'_>, holder: Holder) -> Result<Quota, Errno> {
    let mut quota = Quota::default();
    call(directory, GET_QUOTA, holder, &mut quota)?;
    Ok(quota)
}

fn call(
    directory: BorrowedFd<'_>,
    command: u32,
    holder: Holder,
    quota: &mut Quota,
) -> Result<(), Errno> {
    let (kind, id) = holder.numbers();
    // SAFETY: the three commands read or write one if_dqblk or if_nextdqblk, and `Quota` is laid
    // out as the longer of them, which begins as the other.
    let result = unsafe {
        libc::syscall(
            SYS_QUOTACTL_FD,
            directory.as_raw_fd(),
            command | kind,
            id,
            &raw mut *quota,
        )
    };
    checked(result).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_the_least_and_never_no_limit() {
        let told = |bytes, inodes| {
            let most = rounded(Amount { bytes, inodes });
            (most.bytes, most.inodes)
        };
        assert_eq!(told(0, 0), (1024, 1));
        assert_eq!(told(2047, 3), (1024, 3));
        assert_eq!(told(2 << 20, 64), (2 << 20, 64));
    }
}
