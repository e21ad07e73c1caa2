//! Project ids of directories and the quota of a project

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
/// `QCMD(Q_GETQUOTA, PRJQUOTA)` and `QCMD(Q_SETQUOTA, PRJQUOTA)`.
const GET_QUOTA: u32 = 0x8000_0702;
const SET_QUOTA: u32 = 0x8000_0802;

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

/// `struct if_dqblk`.
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

/// Limits a project on the file system of `directory`, in bytes (rounded down to KiB) and inodes.
///
/// # Errors
/// ESRCH: quotas are not in force (the module quota_v2 was not there at the mount). ENOSYS: no
/// quotas in the kernel.
pub fn limit(
    directory: BorrowedFd<'_>,
    project: u32,
    bytes: u64,
    inodes: u64,
) -> Result<(), Errno> {
    let quota = Quota {
        hard_blocks: bytes / BLOCK,
        soft_blocks: bytes / BLOCK,
        hard_inodes: inodes,
        soft_inodes: inodes,
        valid: LIMITS,
        ..Quota::default()
    };
    // SAFETY: Q_SETQUOTA reads one if_dqblk, the type and size of `quota`.
    let result = unsafe {
        libc::syscall(
            SYS_QUOTACTL_FD,
            directory.as_raw_fd(),
            SET_QUOTA,
            project,
            &raw const quota,
        )
    };
    checked(result).map(drop)
}

/// Whether a limit on bytes is in force for the project.
///
/// # Errors
/// As [`limit`].
pub fn is_limited(directory: BorrowedFd<'_>, project: u32) -> Result<bool, Errno> {
    get(directory, project).map(|quota| quota.hard_blocks != 0)
}

/// Bytes and inodes of the project.
///
/// # Errors
/// As [`limit`].
pub fn used(directory: BorrowedFd<'_>, project: u32) -> Result<(u64, u64), Errno> {
    get(directory, project).map(|quota| (quota.bytes, quota.inodes))
}

fn get(directory: BorrowedFd<'_>, project: u32) -> Result<Quota, Errno> {
    let mut quota = Quota::default();
    // SAFETY: Q_GETQUOTA writes one if_dqblk, the type and size of `quota`.
    let result = unsafe {
        libc::syscall(
            SYS_QUOTACTL_FD,
            directory.as_raw_fd(),
            GET_QUOTA,
            project,
            &raw mut quota,
        )
    };
    checked(result)?;
    Ok(quota)
}
