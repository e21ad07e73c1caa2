//! Each wall of the jail on the running kernel, with and without it
//!
//! A wall is tried in a process of its own: the test starts its own executable again, which runs
//! [`attempt`] in one thread, and tells it whether to build the wall. Without the wall the attack
//! must succeed, otherwise the test proves nothing.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::fd::AsFd;
use std::os::unix::fs::symlink;
use std::process::Command;

use limen_proto::id::Slot;
use limen_proto::state::Exit;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType, socket};

use crate::reap;
use crate::step::landlock::{Right, Rules};
use crate::step::root::{Root, Source, Use};
use crate::step::{descriptors, identity, seccomp, users};
use crate::sys::clone::{self, Namespaces, Parent};
use crate::sys::exit;
use crate::sys::memory;
use crate::sys::namespace::unshare;

/// Names the attempt and whether its wall stands.
const ATTEMPT: &str = "LIMEN_WALL";
/// Printed before the outcome, to find it between the test harness's own lines.
const MARK: &str = "outcome: ";

/// What the attack ran into.
fn outcome(name: &str, wall: bool) -> String {
    let own = std::env::current_exe().unwrap();
    // Made here, because what the attempt leaves behind it may be unable to remove.
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(own)
        .args(["--exact", "walls::attempt", "--ignored", "--nocapture"])
        .env(ATTEMPT, format!("{name} {wall}"))
        .env("TMPDIR", folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .find_map(|line| line.split_once(MARK))
        .map(|(_, outcome)| outcome.to_owned())
        .unwrap_or_else(|| panic!("{name}: no outcome: {text}{:?}", output))
}

fn assert_holds(name: &str, with: &str, without: &str) {
    assert_eq!(outcome(name, false), without, "{name} without its wall");
    assert_eq!(outcome(name, true), with, "{name} behind its wall");
}

/// Identity, namespaces and mounts need root; without it these tests say so and pass nothing.
fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("skipped: this wall can only be built by root");
    }
    root
}

#[test]
fn landlock_denies_reading_elsewhere() {
    assert_holds("read", "PermissionDenied", "allowed");
}

#[test]
fn landlock_denies_executing_what_may_be_read() {
    assert_holds("execute", "PermissionDenied", "allowed");
}

#[test]
fn landlock_denies_writing_what_may_be_executed() {
    assert_holds("write", "PermissionDenied", "allowed");
}

#[test]
fn the_filter_refuses_netlink() {
    assert_holds("netlink", "PERM", "allowed");
}

#[test]
fn the_filter_refuses_memory_files() {
    assert_holds("memory-file", "PERM", "allowed");
}

/// Case A-21.
#[test]
fn the_filter_refuses_code_that_is_made() {
    assert_holds("written-code", "PERM PERM PERM", "allowed allowed allowed");
}

#[test]
fn ordinary_programs_run_behind_the_filter() {
    assert_holds("ordinary", "1024 threads sockets", "1024 threads sockets");
}

#[test]
fn no_descriptor_leaks() {
    assert_holds("leak", "none", "leaked");
}

#[test]
fn root_becomes_nobody_for_good() {
    if is_root() {
        assert_holds(
            "identity",
            "uid 70000, effective 0, bounding 0, no_new_privs 1, back PERM",
            "uid 0, effective some, bounding some, no_new_privs 0, back allowed",
        );
    }
}

#[test]
fn a_core_unit_keeps_exactly_the_capabilities_of_its_table() {
    if is_root() {
        let with = "uid 900, effective 1024, bounding 1024, no_new_privs 1, back PERM";
        assert_eq!(outcome("capable", true), with);
    }
}

#[test]
fn the_user_namespace_allows_no_other() {
    if is_root() {
        assert_holds("nested", "NOSPC", "allowed");
    }
}

#[test]
fn a_mount_point_is_never_reached_through_a_link() {
    if is_root() {
        // The attack is the bundle's link; the wall is how names are resolved.
        assert_eq!(outcome("link", true), "LOOP or NOTDIR, outside untouched");
    }
}

#[test]
fn a_bound_tree_is_protected() {
    if is_root() {
        assert_eq!(
            outcome("bind", true),
            "read: write ROFS, run denied; write: write allowed, run denied; execute: write ROFS, run allowed"
        );
    }
}

#[test]
fn a_child_in_a_session_of_its_own_is_reaped_too() {
    assert_eq!(outcome("reap", true), "Status(7)");
}

/// The process behind [`outcome`].
#[test]
#[ignore = "run by the other tests, in a process of its own"]
fn attempt() {
    let Ok(words) = std::env::var(ATTEMPT) else {
        return;
    };
    let (name, wall) = words.split_once(' ').unwrap();
    let wall = wall == "true";
    let outcome = match name {
        "read" => read(wall),
        "execute" => execute(wall),
        "write" => write(wall),
        "netlink" => filtered(wall, || {
            said(socket(AddressFamily::NETLINK, SocketType::RAW, None))
        }),
        "memory-file" => filtered(wall, || {
            said(rustix::fs::memfd_create(
                "x",
                rustix::fs::MemfdFlags::CLOEXEC,
            ))
        }),
        "written-code" => filtered(wall, written_code),
        "ordinary" => filtered(wall, ordinary),
        "leak" => leak(wall),
        "identity" => {
            if wall {
                identity::become_user(70000, 0).unwrap();
            }
            who()
        }
        "capable" => {
            identity::become_user(900, 1 << 10).unwrap();
            who()
        }
        "nested" => nested(wall),
        "reap" => reaped(),
        "link" => link(),
        "bind" => bind(),
        other => panic!("no attempt {other}"),
    };
    println!("{MARK}{outcome}");
}

fn said<T>(result: Result<T, Errno>) -> String {
    match result {
        Ok(_) => "allowed".to_owned(),
        Err(Errno::PERM) => "PERM".to_owned(),
        Err(Errno::NOSPC) => "NOSPC".to_owned(),
        Err(Errno::ROFS) => "ROFS".to_owned(),
        Err(other) => format!("{other:?}"),
    }
}

fn kind<T>(result: std::io::Result<T>) -> String {
    match result {
        Ok(_) => "allowed".to_owned(),
        Err(error) => format!("{:?}", error.kind()),
    }
}

fn narrowed(wall: bool, rules: &[(&str, Right)]) {
    if wall {
        let mut list = Rules::default();
        for (path, right) in rules {
            list.allow(*path, *right);
        }
        assert!(list.enforce(None).unwrap() >= 1);
    }
}

fn read(wall: bool) -> String {
    narrowed(wall, &[("/usr", Right::Execute)]);
    assert!(fs::read_dir("/usr").is_ok(), "the positive control");
    kind(File::open("/etc/passwd"))
}

fn execute(wall: bool) -> String {
    narrowed(wall, &[("/", Right::Read)]);
    assert!(File::open("/etc/passwd").is_ok(), "the positive control");
    kind(Command::new("/bin/true").status())
}

fn write(wall: bool) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    narrowed(wall, &[("/", Right::Read), (path, Right::Execute)]);
    kind(fs::write(folder.path().join("file"), "x"))
}

fn filtered(wall: bool, attack: impl FnOnce() -> String) -> String {
    if wall {
        rustix::thread::set_no_new_privs(true).unwrap();
        seccomp::JAIL.install().unwrap();
        seccomp::BUNDLE.install().unwrap();
    }
    attack()
}

/// Anonymous memory to execute, memory to write and execute, written memory made executable.
fn written_code() -> String {
    memory::make_code().map(said).join(" ")
}

/// Dynamically linked programs, threads, a pipeline, sockets and descriptors.
fn ordinary() -> String {
    let script = "ls / | wc -l >/dev/null; ulimit -Sn 1024; ulimit -n; \
                  (sleep 0 & wait); cat /proc/self/status >/dev/null; kill -0 $$";
    let output = Command::new("/bin/sh")
        .args(["-c", script])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let limit = String::from_utf8(output.stdout).unwrap();
    let mut threads = (0..4).map(|_| std::thread::spawn(|| fs::metadata("/").is_ok()));
    assert!(threads.all(|thread| thread.join().unwrap()));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let _client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let _ = listener.accept().unwrap();
    format!("{} threads sockets", limit.trim())
}

fn leak(wall: bool) -> String {
    let stray = File::open("/").unwrap();
    rustix::io::fcntl_setfd(&stray, rustix::io::FdFlags::empty()).unwrap();
    if wall {
        descriptors::seal().unwrap();
    }
    let output = Command::new("/bin/ls")
        .args(["-l", "/proc/self/fd"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    if text.lines().any(|line| line.ends_with("-> /")) {
        "leaked".to_owned()
    } else {
        "none".to_owned()
    }
}

/// Who an executed program is, and whether it can become somebody again.
fn who() -> String {
    let back = said(rustix::thread::set_thread_res_uid(
        rustix::process::Uid::ROOT,
        rustix::process::Uid::ROOT,
        rustix::process::Uid::ROOT,
    ));
    let output = Command::new("/bin/cat")
        .arg("/proc/self/status")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let field = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name))
            .and_then(|rest| rest.split_whitespace().next())
            .unwrap()
            .to_owned()
    };
    let set = |name: &str| match u64::from_str_radix(&field(name), 16).unwrap() {
        many if many.count_ones() > 8 => "some".to_owned(),
        few => few.to_string(),
    };
    format!(
        "uid {}, effective {}, bounding {}, no_new_privs {}, back {back}",
        field("Uid:"),
        set("CapEff:"),
        set("CapBnd:"),
        field("NoNewPrivs:")
    )
}

fn nested(wall: bool) -> String {
    let slot = Slot::new(3).unwrap();
    let namespace = if wall {
        users::make(slot)
    } else {
        users::make_without(slot, &[])
    };
    let namespace = namespace.unwrap();
    // Entering is for single-threaded processes: the child of a clone is one.
    let child = clone::process(Namespaces::NONE, None, Parent::Caller, || {
        let entered = identity::enter(namespace.as_fd()).is_ok();
        // Any mapped uid: an unmapped one may make no user namespace either.
        let id = rustix::process::Uid::from_raw(5);
        let group = rustix::process::Gid::from_raw(5);
        let mapped = rustix::thread::set_thread_res_gid(group, group, group).is_ok()
            && rustix::thread::set_thread_res_uid(id, id, id).is_ok();
        exit(match unshare(Namespaces::USER) {
            _ if !entered || !mapped => 9,
            Ok(()) => 0,
            Err(Errno::NOSPC) => 1,
            Err(_) => 2,
        })
    });
    match reap::wait(&child.unwrap().pidfd).unwrap() {
        Exit::Status(0) => "allowed".to_owned(),
        Exit::Status(1) => "NOSPC".to_owned(),
        other => format!("{other:?}"),
    }
}

/// waitpid(0, …), which rustix calls `waitpid(None, …)`, knows the own process group only.
fn reaped() -> String {
    let child = clone::process(Namespaces::NONE, None, Parent::Caller, || {
        exit(if rustix::process::setsid().is_ok() {
            7
        } else {
            8
        })
    })
    .unwrap();
    // It has ended when its pidfd is readable.
    let flags = rustix::event::PollFlags::IN;
    let mut wait = [rustix::event::PollFd::new(&child.pidfd, flags)];
    rustix::event::poll(&mut wait, None).unwrap();
    match reap::reap_any().unwrap() {
        Some((pid, exit)) if pid == child.pid => format!("{exit:?}"),
        other => format!("{other:?}"),
    }
}

/// In a mount namespace of this thread, so nothing of the machine changes.
fn fresh_root() -> Root {
    unshare(Namespaces::MOUNT).unwrap();
    Root::new().unwrap()
}

fn link() -> String {
    let folder = tempfile::tempdir().unwrap();
    let (outside, bundle) = (folder.path().join("outside"), folder.path().join("bundle"));
    fs::create_dir_all(&outside).unwrap();
    fs::create_dir_all(&bundle).unwrap();
    symlink(&outside, bundle.join("data")).unwrap();
    symlink("../outside", bundle.join("up")).unwrap();
    let root = fresh_root();
    let source = Source::open(bundle.to_str().unwrap()).unwrap();
    let volume = Source::open(outside.to_str().unwrap()).unwrap();
    root.bind(&source, "/var", Use::Write).unwrap();
    for path in ["/var/data", "/var/up/inside", "/var/../etc", "/var/./x/.."] {
        let fault = root.bind(&volume, path, Use::Write).unwrap_err();
        let errno = Errno::from_raw_os_error(fault.errno());
        assert!(
            matches!(errno, Errno::LOOP | Errno::NOTDIR | Errno::INVAL),
            "{fault}"
        );
    }
    assert!(Source::open(bundle.join("data").to_str().unwrap()).is_err());
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    "LOOP or NOTDIR, outside untouched".to_owned()
}

fn bind() -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap().to_owned();
    fs::copy("/bin/true", folder.path().join("program")).unwrap();
    let root = fresh_root();
    let source = Source::open(&path).unwrap();
    let uses = [
        ("read", Use::Read),
        ("write", Use::Write),
        ("execute", Use::Execute),
    ];
    for (name, purpose) in uses {
        root.bind(&source, &format!("/{name}"), purpose).unwrap();
    }
    let outcomes = uses.map(|(name, _)| {
        let place = format!("/mnt/{name}");
        let write = match fs::write(format!("{place}/file"), "x") {
            Ok(()) => "allowed".to_owned(),
            Err(error) if error.kind() == ErrorKind::ReadOnlyFilesystem => "ROFS".to_owned(),
            Err(error) => format!("{error:?}"),
        };
        let run = match Command::new(format!("{place}/program")).status() {
            Ok(status) if status.success() => "allowed",
            Err(error) if error.kind() == ErrorKind::PermissionDenied => "denied",
            _ => "error",
        };
        format!("{name}: write {write}, run {run}")
    });
    outcomes.join("; ")
}
