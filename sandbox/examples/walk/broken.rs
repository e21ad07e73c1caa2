//! Specs that cannot work, and system calls that fail: the step that must say so

use std::ffi::CString;
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use limen_channel::{Buffer, Channel};
use limen_proto::id::{BundleIndex, Digest, Slot};
use limen_proto::jail::{Answer, Step, Task};
use limen_sandbox::spawn;

use crate::bundle::{run_bundle, spec};
use crate::expect;
use crate::guest::{cgroup, wait, words};
use crate::vgw::Vgw;

/// Specs that cannot work, and the step that must say so.
pub(crate) fn faults(slot: Slot, vgw: &Vgw) {
    let plain = || spec(slot, "true");
    let mut cases = Vec::new();
    let mut case = plain();
    case.command = words(&["/bin/absent"]);
    cases.push(("absent program", case, Step::Exec));
    let mut case = plain();
    case.command = words(&["/etc/hello"]);
    cases.push(("program that is not executable", case, Step::Exec));
    // Case A-13: what /proc/self/exe means before the program is executed is limen-jail.
    for (name, program) in [
        ("link to limen-jail", "/bin/self"),
        ("script of limen-jail", "/bin/script"),
    ] {
        let mut case = plain();
        case.command = words(&[program]);
        cases.push((name, case, Step::Exec));
    }
    let mut case = plain();
    case.digest = Digest([8; 32]);
    cases.push(("absent bundle", case, Step::Mounts));
    let mut case = plain();
    case.volumes[0].name = "other".parse().unwrap();
    cases.push(("absent volume", case, Step::Mounts));
    let mut case = plain();
    case.volumes[0].path = "/var/lib/absent".try_into().unwrap();
    cases.push(("absent mount point", case, Step::Mounts));
    let mut case = plain();
    case.volumes[0].path = "/sbin/x".try_into().unwrap();
    cases.push(("mount point behind a link", case, Step::Mounts));
    let mut case = plain();
    case.volumes[0].path = "/../data".try_into().unwrap();
    cases.push(("mount point above the root", case, Step::Mounts));
    for (name, path) in [
        ("volume over the root", "/"),
        ("volume over /proc", "/proc"),
        ("volume below /run", "/run/limen"),
        ("relative volume", "var"),
    ] {
        let mut case = plain();
        case.volumes[0].path = path.try_into().unwrap();
        cases.push((name, case, Step::Mounts));
    }
    let mut case = plain();
    case.index = BundleIndex::new(1).unwrap();
    cases.push(("another bundle's volume", case, Step::Mounts));
    let mut case = plain();
    case.limits.cpu_weight = 0;
    cases.push(("weight out of range", case, Step::Cgroup));
    for (name, spec, step) in cases {
        let (_, failed) = run_bundle(slot, vgw, name, &spec);
        let held = matches!(failed, Some(Answer::Failed { step: told, .. }) if told == step);
        expect(&format!("{name} fails at {step:?}"), held, &failed);
    }
    let mut small = plain();
    small.limits.memory = 65536;
    let (_, failed) = run_bundle(slot, vgw, "too little memory", &small);
    expect(
        "too little memory ends without an answer",
        failed.is_none(),
        &failed,
    );
}

/// Word that makes this program a limen-jail for which one system call fails.
pub(crate) const BREAK: &str = "break";

/// Calls of the bundle's recipe, and the step that must name each when it fails. `None`: nobody
/// can be told, and still nothing may be executed.
pub(crate) const CALLS: &[(&str, i64, Option<Step>)] = &[
    ("setns", libc::SYS_setns, Some(Step::Namespaces)),
    ("clone3", libc::SYS_clone3, Some(Step::Namespaces)),
    ("setsid", libc::SYS_setsid, Some(Step::Namespaces)),
    ("readlinkat", libc::SYS_readlinkat, Some(Step::Namespaces)),
    ("prlimit64", libc::SYS_prlimit64, Some(Step::Limits)),
    ("mount", libc::SYS_mount, Some(Step::Mounts)),
    ("fsopen", libc::SYS_fsopen, Some(Step::Mounts)),
    ("fsconfig", libc::SYS_fsconfig, Some(Step::Mounts)),
    ("fsmount", libc::SYS_fsmount, Some(Step::Mounts)),
    ("open_tree", libc::SYS_open_tree, Some(Step::Mounts)),
    ("mount_setattr", libc::SYS_mount_setattr, Some(Step::Mounts)),
    ("move_mount", libc::SYS_move_mount, Some(Step::Mounts)),
    ("openat2", libc::SYS_openat2, Some(Step::Quota)),
    ("quotactl_fd", libc::SYS_quotactl_fd, Some(Step::Quota)),
    ("mkdirat", libc::SYS_mkdirat, Some(Step::Mounts)),
    ("mknodat", libc::SYS_mknodat, Some(Step::Mounts)),
    ("fchownat", libc::SYS_fchownat, Some(Step::Mounts)),
    ("symlinkat", libc::SYS_symlinkat, Some(Step::Mounts)),
    ("getdents64", libc::SYS_getdents64, Some(Step::Mounts)),
    ("fchdir", libc::SYS_fchdir, Some(Step::Mounts)),
    ("pivot_root", libc::SYS_pivot_root, Some(Step::Mounts)),
    ("umount2", libc::SYS_umount2, Some(Step::Mounts)),
    ("chdir", libc::SYS_chdir, Some(Step::Mounts)),
    (
        "close_range",
        libc::SYS_close_range,
        Some(Step::Descriptors),
    ),
    ("setresgid", libc::SYS_setresgid, Some(Step::Identity)),
    ("setgroups", libc::SYS_setgroups, Some(Step::Identity)),
    ("setresuid", libc::SYS_setresuid, Some(Step::Identity)),
    ("prctl", libc::SYS_prctl, Some(Step::Identity)),
    ("capset", libc::SYS_capset, Some(Step::Identity)),
    (
        "landlock_create_ruleset",
        libc::SYS_landlock_create_ruleset,
        Some(Step::Landlock),
    ),
    (
        "landlock_add_rule",
        libc::SYS_landlock_add_rule,
        Some(Step::Landlock),
    ),
    (
        "landlock_restrict_self",
        libc::SYS_landlock_restrict_self,
        Some(Step::Landlock),
    ),
    ("seccomp", libc::SYS_seccomp, Some(Step::Seccomp)),
    ("dup3", libc::SYS_dup3, Some(Step::Descriptors)),
    ("execveat", libc::SYS_execveat, Some(Step::Exec)),
    ("sendmsg", libc::SYS_sendmsg, None),
    ("recvmsg", libc::SYS_recvmsg, None),
    ("pidfd_getfd", libc::SYS_pidfd_getfd, None),
];

/// Makes each call fail in turn.
pub(crate) fn broken_calls(slot: Slot, vgw: &Vgw) {
    for &(name, number, step) in CALLS {
        BROKEN.store(number, Ordering::Relaxed);
        let (text, failed) = run_bundle(slot, vgw, name, &spec(slot, "echo EXECUTED"));
        BROKEN.store(0, Ordering::Relaxed);
        let told = match failed {
            Some(Answer::Failed { step, .. }) => Some(step),
            _ => None,
        };
        let held = told == step && !text.contains("EXECUTED");
        expect(&format!("without {name}: {step:?}"), held, &(told, text));
    }
}

/// What limen-jail makes ahead keeps it from nothing when it cannot be made, and ends it when it cannot
/// return from it.
pub(crate) fn idle_jail() {
    for (name, call, stays) in [
        ("unshare", libc::SYS_unshare, true),
        ("setns", libc::SYS_setns, false),
    ] {
        let (orders, inherited) = Channel::<4096>::pair().unwrap();
        let call = CString::new(call.to_string()).unwrap();
        let own = File::open("/proc/self/exe").unwrap();
        let child = spawn::spawn_into(
            cgroup("core/jail").as_fd(),
            own.as_fd(),
            &[c"walk", c"break", &call],
            &[],
            &[(inherited.as_fd(), 3)],
        )
        .unwrap();
        drop(inherited);
        if stays {
            // Many times as long as it is idle before it makes something.
            std::thread::sleep(Duration::from_secs(2));
        } else {
            wait(child.pidfd.as_fd());
        }
        let (ours, theirs) = Channel::<4096>::pair().unwrap();
        let absent = Task::Open {
            slot: Slot::new(60).unwrap(),
        };
        let sent = orders.send(&absent, &[theirs.as_fd()]);
        drop(theirs);
        let answer = ours.receive::<Answer>(&mut Buffer::new());
        let told = match answer {
            Ok(Some((Answer::Failed { step, .. }, _))) => Some(step),
            _ => None,
        };
        let held = sent.is_ok() == stays && told == stays.then_some(Step::Network);
        let what = if stays { "goes on" } else { "ends" };
        expect(
            &format!("idle without {name}, limen-jail {what}"),
            held,
            &(sent, told),
        );
        drop(orders);
        if stays {
            wait(child.pidfd.as_fd());
        }
    }
}

/// The call that the next limen-jail shall miss; 0 is none.
pub(crate) static BROKEN: AtomicI64 = AtomicI64::new(0);

/// Becomes limen-jail with one system call answered by EIO.
pub(crate) fn break_call(number: i64) -> ! {
    become_jail([(number, Vec::new())].into(), libc::EIO.unsigned_abs())
}

/// Becomes limen-jail with some system calls not made, and answered by this errno, or success for 0.
pub(crate) fn become_jail(
    rules: std::collections::BTreeMap<i64, Vec<seccompiler::SeccompRule>>,
    errno: u32,
) -> ! {
    let filter = seccompiler::SeccompFilter::new(
        rules,
        seccompiler::SeccompAction::Allow,
        seccompiler::SeccompAction::Errno(errno),
        std::env::consts::ARCH.try_into().unwrap(),
    );
    let program: seccompiler::BpfProgram = filter.unwrap().try_into().unwrap();
    seccompiler::apply_filter(&program).unwrap();
    let error = std::process::Command::new("/usr/lib/limen/bin/limen-jail").exec();
    panic!("{error}");
}
