//! Walks every task of limen-jail in a guest, as its PID 1, and looks at the result from inside
//!
//! `cargo xtask test --only walks` puts it into an image under the name `limen-init`. A line with
//! `walk: NOT: ` is an expectation that did not hold; it ends with `walk: done` when every one held and
//! `walk: FAILED` otherwise.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a walk that stumbles shall say where"
)]

mod adjust;
mod bounds;
mod broken;
mod bundle;
mod core;
mod guest;
mod knock_outs;
#[path = "../../../tests/src/narrow.rs"]
mod narrow;
mod race;
mod remount;
mod spare;
mod vgw;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use limen_proto::id::Slot;
use limen_proto::jail::{Answer, Task};
use limen_sandbox::reap;

use crate::guest::{CGROUP, Job, prepare};

use crate::adjust::adjust;
use crate::bounds::bounds;
use crate::broken::{BREAK, break_call, broken_calls, faults, idle_jail};
use crate::bundle::{SCRIPTS, bundle, foreign_root, next_lives, storage, store, timing};
use crate::core::core_unit;
use crate::knock_outs::{SKIP, knock_outs, skip_calls};
use crate::race::race;
use crate::remount::remounts;
use crate::spare::spare;
use crate::vgw::virtual_gateway;

/// Starts in a race for names.
const RACE: u32 = 24;
/// The same, when there is time.
const LONG_RACE: u32 = 10_000;

fn main() {
    let words: Vec<_> = std::env::args().collect();
    if let [_, BREAK, call] = words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        break_call(call.parse().unwrap());
    }
    if let [_, SKIP, calls] = words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        skip_calls(calls);
    }
    let whole = std::panic::catch_unwind(walk).is_ok();
    let held = whole && !FAILED.load(Ordering::Relaxed);
    println!("walk: {}", if held { "done" } else { "FAILED" });
    rustix::fs::sync();
    std::thread::sleep(Duration::from_millis(200));
    let _ = rustix::system::reboot(rustix::system::RebootCommand::PowerOff);
}

fn walk() {
    prepare();
    let slot = Slot::new(1).unwrap();
    println!(
        "walk: kernel {}",
        fs::read_to_string("/proc/sys/kernel/osrelease")
            .unwrap()
            .trim()
    );

    let answer = Job::new("core/hand").start(
        &Task::PrepareNetwork {
            uplink: "eth0".parse().unwrap(),
            listen: 8443,
            connections: 8192,
        },
        &[],
    );
    let prepared = matches!(answer.0, Ok(Answer::Done));
    expect("the network is prepared", prepared, &answer.0);

    core_unit();

    let vgw = virtual_gateway(slot);
    store(slot);
    // For the instruction clock, on which the rest would take minutes.
    let line = fs::read_to_string("/proc/cmdline").unwrap_or_default();
    if !line.contains("walk=timing") {
        for (name, script, expected) in SCRIPTS {
            bundle(slot, &vgw, name, script, expected);
        }
        next_lives(slot, &vgw);
        storage(slot, &vgw);
        spare(slot, &vgw);
        foreign_root(slot, &vgw);
        faults(slot, &vgw);
        broken_calls(slot, &vgw);
        idle_jail();
        knock_outs(slot, &vgw, vgw.landlock_abi);
        remounts(slot, &vgw);
        bounds(slot, &vgw);
        let starts = if line.contains("walk=long") {
            LONG_RACE
        } else {
            RACE
        };
        race(slot, &vgw, starts);
    }
    timing(slot, &vgw);
    adjust(slot, &vgw);
    vgw::end(&vgw);

    drop(vgw);
    let answer = Job::new("core/hand").start(&Task::DestroyVgw { slot }, &[]);
    expect(
        "destroy",
        matches!(answer.0, Ok(Answer::Counted(_))),
        &answer.0,
    );
    expect(
        "vgw's cgroup is gone",
        !Path::new(CGROUP).join("vgw-1").exists(),
        &(),
    );
    let links = fs::read_dir("/sys/class/net").unwrap().count();
    expect(
        "link is gone",
        !Path::new("/sys/class/net/vgw1").exists(),
        &links,
    );
    while let Ok(Some((pid, exit))) = reap::reap_any() {
        println!("walk: reaped {pid:?} {exit:?}");
    }
}

static FAILED: AtomicBool = AtomicBool::new(false);

fn expect(what: &str, held: bool, seen: &dyn std::fmt::Debug) {
    if held {
        println!("walk: ok: {what}");
    } else {
        FAILED.store(true, Ordering::Relaxed);
        println!("walk: NOT: {what}: {seen:?}");
    }
}
