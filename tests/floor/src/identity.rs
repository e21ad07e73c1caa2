//! Who a process is, and what it can never be again

use std::os::fd::OwnedFd;

use anyhow::Result;

use crate::sys::{at, call, flags, number};

const NO_ROOT_NO_FIXUP_LOCKED: usize = 0b10_1111;
const NO_AMBIENT_LOCKED: usize = 0b1100_0000;

/// Order of death, and the limits of one process.
pub(crate) fn limit(score: &str) -> Result<()> {
    std::fs::write("/proc/self/oom_score_adj", score)?;
    let limits: [(usize, u64); 7] = [
        (libc::RLIMIT_CORE as usize, 0),
        (libc::RLIMIT_MEMLOCK as usize, 65536),
        (libc::RLIMIT_RTPRIO as usize, 0),
        (libc::RLIMIT_NICE as usize, 0),
        (libc::RLIMIT_MSGQUEUE as usize, 0),
        (libc::RLIMIT_SIGPENDING as usize, 1024),
        (libc::RLIMIT_NOFILE as usize, 1024),
    ];
    for (resource, limit) in limits {
        let pair = [limit, limit];
        call("limit", libc::SYS_prlimit64, &[0, resource, at(&pair)])?;
    }
    call("mask", libc::SYS_umask, &[0o022]).map(drop)
}

/// All descriptors but the standard ones are closed by execve.
pub(crate) fn seal() -> Result<()> {
    const CLOSE_ON_EXEC: usize = 1 << 2;
    let all = [3, u32::MAX as usize, CLOSE_ON_EXEC];
    call("seal", libc::SYS_close_range, &all).map(drop)
}

/// Enters the user namespace and becomes `id` in it, without a capability, for good.
pub(crate) fn become_user(users: &OwnedFd, id: usize) -> Result<()> {
    let prctl =
        |option: libc::c_int, value: usize| call("prctl", libc::SYS_prctl, &[flags(option), value]);
    let user = [number(users), flags(libc::CLONE_NEWUSER)];
    call("enter the user namespace", libc::SYS_setns, &user)?;
    call("group", libc::SYS_setresgid, &[id, id, id])?;
    call("groups", libc::SYS_setgroups, &[0, 0])?;
    let mut capability = 0;
    while prctl(libc::PR_CAPBSET_DROP, capability).is_ok() {
        capability += 1;
    }
    prctl(libc::PR_SET_SECUREBITS, NO_ROOT_NO_FIXUP_LOCKED)?;
    call("user", libc::SYS_setresuid, &[id, id, id])?;
    let all = NO_ROOT_NO_FIXUP_LOCKED | NO_AMBIENT_LOCKED;
    prctl(libc::PR_SET_SECUREBITS, all)?;
    prctl(libc::PR_SET_NO_NEW_PRIVS, 1)?;
    let header = [0x2008_0522_u32, 0];
    let none = [0_u32; 6];
    call("capabilities", libc::SYS_capset, &[at(&header), at(&none)]).map(drop)
}

/// No new code in memory, where the kernel can say so.
pub(crate) fn refuse_new_code() {
    const SET_MDWE: usize = 65;
    const REFUSE_EXEC_GAIN: usize = 1;
    // Linux 6.1 does not know it.
    let _ = call("code", libc::SYS_prctl, &[SET_MDWE, REFUSE_EXEC_GAIN]);
}
