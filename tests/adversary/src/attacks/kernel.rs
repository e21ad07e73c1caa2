//! The kernel's surface: calls that no bundle needs
//!
//! Arguments are null. A call that answers EINVAL, EFAULT or EBADF looked at them, so it was let
//! through, and that counts as allowed. What this kernel does not have answers ENOSYS. Numbers
//! from 424 on are the same on every machine.

use super::DENIED;
use crate::attempt::{Attack, Outcome, each};
use crate::sys::call;

/// The C library's table for this machine lacks it (`arch/arm/tools/syscall.tbl`).
#[cfg(target_arch = "arm")]
const MIGRATE_PAGES: libc::c_long = 400;
#[cfg(not(target_arch = "arm"))]
const MIGRATE_PAGES: libc::c_long = libc::SYS_migrate_pages;

macro_rules! surface {
    ($($what:literal: $numbers:expr;)*) => {
        pub(crate) const ATTACKS: &[Attack] = &[$(Attack {
            id: "B-06",
            what: $what,
            walls: DENIED,
            attempt: |_| knock(&$numbers),
        }),*];
    };
}

surface! {
    "bpf": [libc::SYS_bpf];
    "perf_event_open": [libc::SYS_perf_event_open];
    "userfaultfd": [libc::SYS_userfaultfd];
    "io_uring": [425, 426, 427];
    "keys": [libc::SYS_add_key, libc::SYS_request_key, libc::SYS_keyctl];
    "another kernel": [libc::SYS_kexec_load];
    "modules": [libc::SYS_init_module, libc::SYS_finit_module, libc::SYS_delete_module];
    "reboot": [libc::SYS_reboot];
    "swap": [libc::SYS_swapon, libc::SYS_swapoff];
    "process accounting": [libc::SYS_acct];
    "quota": [libc::SYS_quotactl, 443];
    "the kernel's log": [libc::SYS_syslog];
    "clocks": [libc::SYS_settimeofday, libc::SYS_clock_settime, libc::SYS_adjtimex, libc::SYS_clock_adjtime];
    "vhangup": [libc::SYS_vhangup];
    "fanotify": [libc::SYS_fanotify_init];
    "memory of several nodes": [libc::SYS_mbind, libc::SYS_set_mempolicy, MIGRATE_PAGES, libc::SYS_move_pages];
    "process_madvise": [440];
    "memfd_secret": [447];
    "splice family": [libc::SYS_splice, libc::SYS_tee, libc::SYS_vmsplice];
    "futex2": [449, 454, 455, 456];
    "statmount, listmount": [457, 458];
    "security modules": [459, 460, 461];
    "host and domain name": [libc::SYS_sethostname, libc::SYS_setdomainname];
    "lookup_dcookie": [libc::SYS_lookup_dcookie];
    "open_by_handle_at": [libc::SYS_open_by_handle_at];
    "numbers that no kernel has": [700, 1000, 0x0fff_ffff];
}

fn knock(numbers: &[libc::c_long]) -> Outcome {
    each(numbers, DENIED, |number| call(*number, &[]).map(drop))
}
