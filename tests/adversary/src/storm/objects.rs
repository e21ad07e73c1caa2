//! Objects of the kernel without end: each costs it memory that no page of ours shows

use std::fs;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use rustix::event::epoll;
use rustix::fs::{XattrFlags, inotify};
use rustix::net::{AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use rustix::net::{SocketFlags, SocketType, sendmsg, socketpair};

use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::AsFd as _;

use super::{Storm, Wall};
use crate::sys;
use crate::world::World;

pub(super) const STORMS: &[Storm] = &[
    Storm {
        name: "epolls",
        case: "C-06",
        rage: epolls,
    },
    Storm {
        name: "watches",
        case: "C-06",
        rage: watches,
    },
    Storm {
        name: "timers",
        case: "C-06",
        rage: timers,
    },
    Storm {
        name: "locks",
        case: "C-06",
        rage: locks,
    },
    Storm {
        name: "attributes",
        case: "C-06",
        rage: attributes,
    },
    Storm {
        name: "deep-tree",
        case: "C-06",
        rage: deep_tree,
    },
    Storm {
        name: "in-flight",
        case: "C-10",
        rage: in_flight,
    },
];

/// How long what was taken is kept before the storm begins anew.
const HELD: Duration = Duration::from_millis(300);

fn number(error: &std::io::Error) -> i32 {
    error.raw_os_error().unwrap_or(0)
}

/// Event queues, each watched by the next.
fn epolls(_: &World, wall: &mut Wall) {
    let mut held: Vec<OwnedFd> = Vec::new();
    loop {
        match epoll::create(epoll::CreateFlags::CLOEXEC) {
            Err(errno) => break wall.held(errno.raw_os_error(), held.len()),
            Ok(one) => {
                if let Some(last) = held.last() {
                    let data = epoll::EventData::new_u64(0);
                    // Nested as deep as the kernel lets them.
                    let _ = epoll::add(&one, last, data, epoll::EventFlags::IN);
                }
                held.push(one);
            }
        }
    }
    thread::sleep(HELD);
}

/// Watches on as many files as there may be.
fn watches(_: &World, wall: &mut Wall) {
    let Ok(queue) = inotify::init(inotify::CreateFlags::CLOEXEC) else {
        return wall.held(sys::last_errno(), 0);
    };
    let mut count = 0;
    loop {
        let path = format!("/tmp/watched-{count}");
        let made = fs::write(&path, "");
        if let Err(error) = made {
            break wall.held(number(&error), count);
        }
        if let Err(errno) = inotify::add_watch(&queue, &path, inotify::WatchFlags::ALL_EVENTS) {
            break wall.held(errno.raw_os_error(), count);
        }
        count += 1;
    }
    thread::sleep(HELD);
    for number in 0..=count {
        let _ = fs::remove_file(format!("/tmp/watched-{number}"));
    }
}

/// Timers that will go off in a year.
fn timers(_: &World, wall: &mut Wall) {
    let mut count = 0;
    loop {
        if let Err(errno) = sys::timer() {
            break wall.held(errno, count);
        }
        count += 1;
    }
    thread::sleep(HELD);
    sys::remove_timers(count);
}

/// A lock on every second byte of a file.
fn locks(world: &World, wall: &mut Wall) {
    let Some(file) = world
        .own("locked")
        .and_then(|path| fs::File::create(path).ok())
    else {
        return wall.held(libc::ENOSPC, 0);
    };
    for place in 0..200_000 {
        if let Err(errno) = sys::lock(&file, 2 * place) {
            return wall.held(errno, usize::try_from(place).unwrap_or(0));
        }
    }
    wall.held(0, 200_000);
}

/// Extended attributes on as many files as there may be.
fn attributes(world: &World, wall: &mut Wall) {
    let Some(folder) = world.own("attributes") else {
        return;
    };
    let _ = fs::create_dir(&folder);
    let mut count = 0;
    loop {
        let path = folder.join(count.to_string());
        if let Err(error) = fs::write(&path, "") {
            break wall.held(number(&error), count);
        }
        let set = rustix::fs::setxattr(&path, "user.storm", &[0xA5; 3000], XattrFlags::empty());
        if let Err(errno) = set {
            break wall.held(errno.raw_os_error(), count);
        }
        count += 1;
    }
    let _ = fs::remove_dir_all(&folder);
}

/// Folders in folders, as deep as a relative path can make them.
fn deep_tree(world: &World, wall: &mut Wall) {
    let Some(root) = world.own("deep") else {
        return;
    };
    let mut path = PathBuf::from(&root);
    let mut depth = 0;
    loop {
        match fs::create_dir(&path) {
            Ok(()) => depth += 1,
            Err(error) => break wall.held(number(&error), depth),
        }
        path.push("d");
    }
    let _ = fs::remove_dir_all(&root);
}

/// Descriptors sent to a socket that nobody reads: in flight, they count for nobody's table.
fn in_flight(_: &World, wall: &mut Wall) {
    let mut held = Vec::new();
    loop {
        let made = socketpair(
            AddressFamily::UNIX,
            SocketType::STREAM,
            SocketFlags::NONBLOCK,
            None,
        );
        let (left, right) = match made {
            Ok(pair) => pair,
            Err(errno) => break wall.held(errno.raw_os_error(), held.len()),
        };
        let mut sent = 0;
        loop {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(64))];
            let mut ancillary = SendAncillaryBuffer::new(&mut space);
            let riders = [left.as_fd(); 64];
            ancillary.push(SendAncillaryMessage::ScmRights(&riders));
            let packet = [IoSlice::new(b"x")];
            match sendmsg(&left, &packet, &mut ancillary, SendFlags::empty()) {
                Ok(_) => sent += riders.len(),
                Err(errno) => {
                    if errno != rustix::io::Errno::AGAIN {
                        wall.held(errno.raw_os_error(), sent);
                    }
                    break;
                }
            }
        }
        held.push((left, right));
    }
    thread::sleep(HELD);
}
