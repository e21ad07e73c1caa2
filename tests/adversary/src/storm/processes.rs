//! Processes and threads without end

use std::thread;
use std::time::Duration;

use super::{Storm, Wall};
use crate::sys;
use crate::world::World;

pub(super) const STORMS: &[Storm] = &[
    Storm {
        name: "forks",
        case: "C-01",
        rage: forks,
    },
    Storm {
        name: "threads",
        case: "C-01",
        rage: threads,
    },
    Storm {
        name: "zombies",
        case: "C-01",
        rage: zombies,
    },
    Storm {
        name: "orphans",
        case: "C-02",
        rage: orphans,
    },
];

/// How long what was made is kept before the storm begins anew.
const HELD: Duration = Duration::from_millis(300);

/// Children that stay; then all are killed.
fn forks(_: &World, wall: &mut Wall) {
    let mut children = Vec::new();
    loop {
        match sys::spawn(sys::wait_for_ever) {
            Ok(child) => children.push(child),
            Err(errno) => break wall.held(errno, children.len()),
        }
    }
    thread::sleep(HELD);
    for child in &children {
        sys::kill(*child);
    }
    for child in children {
        let _ = sys::wait(child);
    }
}

/// Threads that stay; the process ends with them.
fn threads(_: &World, wall: &mut Wall) {
    let child = sys::spawn(|| {
        let mut count = 0;
        loop {
            let builder = thread::Builder::new().stack_size(16 << 10);
            match builder.spawn(sys::wait_for_ever) {
                Ok(_) => count += 1,
                Err(error) => {
                    wall.held(error.raw_os_error().unwrap_or(0), count);
                    thread::sleep(HELD);
                    return;
                }
            }
        }
    });
    match child {
        Ok(child) => {
            let _ = sys::wait(child);
            // What the child said is not known here.
            wall.said = true;
        }
        Err(errno) => wall.held(errno, 0),
    }
}

/// Children that end and are not waited for; then they are.
fn zombies(_: &World, wall: &mut Wall) {
    let mut children = Vec::new();
    loop {
        match sys::spawn(|| ()) {
            Ok(child) => children.push(child),
            Err(errno) => break wall.held(errno, children.len()),
        }
    }
    thread::sleep(HELD);
    for child in children {
        let _ = sys::wait(child);
    }
}

/// Grandchildren whose parent ends first: somebody else has to reap them.
fn orphans(_: &World, wall: &mut Wall) {
    let mut count = 0;
    loop {
        let parent = sys::spawn(|| {
            let _ = sys::spawn(|| ());
        });
        match parent {
            Ok(parent) => {
                let _ = sys::wait(parent);
                count += 1;
            }
            Err(errno) => {
                wall.held(errno, count);
                thread::sleep(Duration::from_millis(1));
            }
        }
        if count == ORPHANS {
            println!("storm C-02 orphans made {ORPHANS}");
        }
    }
}

/// Said once they were made; the storm goes on.
const ORPHANS: usize = 2000;
