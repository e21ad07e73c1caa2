//! What every part of the walk needs of the guest: cgroups, one run of limen-jail, its output

use std::ffi::{CStr, CString};
use std::fs::{self, File};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::Ordering;

use limen_channel::{Buffer, Channel, Descriptors};
use limen_proto::contract::Limits;
use limen_proto::jail::{Answer, Task};
use limen_proto::state::Exit;
use limen_proto::words::Words;
use limen_sandbox::{reap, spawn};
use rustix::mount::MountFlags;

use crate::broken::BROKEN;
use crate::expect;
use crate::knock_outs::SKIPPED;

pub(crate) const CGROUP: &str = "/sys/fs/cgroup/limen";

pub(crate) fn prepare() {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    rustix::mount::mount(
        c"cgroup2",
        c"/sys/fs/cgroup",
        c"cgroup2",
        flags,
        None::<&CStr>,
    )
    .unwrap();
    fs::create_dir_all(format!("{CGROUP}/core")).unwrap();
    for directory in ["/sys/fs/cgroup", CGROUP, &format!("{CGROUP}/core")] {
        fs::write(
            format!("{directory}/cgroup.subtree_control"),
            "+cpu +memory +pids +io",
        )
        .unwrap();
    }
    fs::create_dir_all("/run/limen/bundle").unwrap();
    let leaf = cgroup("core/selftest");
    expect(
        "a clone into a fresh cgroup lives",
        spawn::survives_in(leaf.as_fd()).unwrap(),
        &(),
    );
    fs::remove_dir(format!("{CGROUP}/core/selftest")).unwrap();
}

pub(crate) fn cgroup(name: &str) -> OwnedFd {
    let path = format!("{CGROUP}/{name}");
    fs::create_dir_all(&path).unwrap();
    File::open(path).unwrap().into()
}

/// One run of limen-jail.
pub(crate) struct Job {
    cgroup: OwnedFd,
}

impl Job {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            cgroup: cgroup(name),
        }
    }

    /// First answer with its descriptors, second answer.
    pub(crate) fn start(
        &self,
        task: &Task,
        descriptors: &[BorrowedFd<'_>],
    ) -> (Result<Answer, String>, Descriptors, Option<Answer>) {
        let (orders, inherited) = Channel::<4096>::pair().unwrap();
        let (ours, theirs) = Channel::<4096>::pair().unwrap();
        let broken = CString::new(BROKEN.load(Ordering::Relaxed).to_string()).unwrap();
        let skipped = CString::new(SKIPPED.lock().unwrap().clone()).unwrap();
        let (path, words): (_, &[&CStr]) = match (broken.as_bytes(), skipped.as_bytes()) {
            (b"0", b"") => ("/usr/lib/limen/bin/limen-jail", &[c"limen-jail"]),
            (b"0", _) => ("/proc/self/exe", &[c"walk", c"skip", &skipped]),
            _ => ("/proc/self/exe", &[c"walk", c"break", &broken]),
        };
        // What a careless init might leave open.
        let stray = File::open("/sys/fs/cgroup").unwrap();
        let mut places = vec![(inherited.as_fd(), 3)];
        places.extend((10..16).map(|number| (stray.as_fd(), number)));
        let jail = File::open(path).unwrap();
        let child = spawn::spawn_into(
            cgroup("core/jail").as_fd(),
            jail.as_fd(),
            words,
            &[],
            &places,
        )
        .unwrap();
        let mut riders = vec![theirs.as_fd()];
        if !matches!(
            task,
            Task::Adjust { .. } | Task::DestroyVgw { .. } | Task::PrepareNetwork { .. }
        ) {
            riders.push(self.cgroup.as_fd());
        }
        riders.extend(descriptors);
        orders.send(task, &riders).unwrap();
        drop(places);
        drop((inherited, theirs, orders));
        let mut buffer = Buffer::new();
        let (answer, passed) = match ours.receive::<Answer>(&mut buffer) {
            Ok(Some((answer, passed))) => (Ok(answer), passed),
            Ok(None) => (Err("hung up".to_owned()), Descriptors::new()),
            Err(error) => (Err(error.to_string()), Descriptors::new()),
        };
        let second = match ours.receive::<Answer>(&mut buffer) {
            Ok(Some((answer, _))) => Some(answer),
            _ => None,
        };
        let end = wait(child.pidfd.as_fd());
        if end != Exit::Status(0) {
            println!("walk: jail ended with {end:?}");
        }
        (answer, passed, second)
    }
}

pub(crate) fn wait(pidfd: BorrowedFd<'_>) -> Exit {
    loop {
        if let Some(exit) = reap::reap(pidfd).unwrap() {
            return exit;
        }
        let mut poll = [rustix::event::PollFd::from_borrowed_fd(
            pidfd,
            rustix::event::PollFlags::IN,
        )];
        rustix::event::poll(&mut poll, None).unwrap();
    }
}

pub(crate) fn null() -> OwnedFd {
    File::options()
        .read(true)
        .write(true)
        .open("/dev/null")
        .unwrap()
        .into()
}

pub(crate) fn limits() -> Limits {
    Limits {
        cpu_percent: 50,
        memory: 16 << 20,
        processes: 24,
        descriptors: 2000,
        ..Limits::ORDINARY
    }
}

pub(crate) fn words(list: &[&str]) -> Words {
    Words::collect(list.iter().copied()).unwrap()
}

pub(crate) fn show(name: &str, text: &str) {
    for line in text.lines() {
        println!("  {name}| {line}");
    }
}

pub(crate) fn check(name: &str, text: &str, expected: &[&str]) {
    for part in expected {
        match part.strip_prefix('!') {
            Some(part) => expect(&format!("{name}: no {part:?}"), !text.contains(part), &()),
            None => expect(&format!("{name}: {part:?}"), text.contains(part), &()),
        }
    }
}
