//! Processor time without end: computing, locking, calling, faulting, drawing random numbers

use std::sync::{Arc, Mutex};
use std::thread;

use super::{Storm, Wall};
use crate::world::World;

pub(super) const STORMS: &[Storm] = &[
    Storm {
        name: "spin",
        case: "C-08",
        rage: |_, _| on_threads(std::hint::spin_loop),
    },
    Storm {
        name: "futexes",
        case: "C-08",
        rage: futexes,
    },
    Storm {
        name: "calls",
        case: "C-08",
        rage: |_, _| {
            on_threads(|| {
                let _ = rustix::process::getppid();
            });
        },
    },
    Storm {
        name: "faults",
        case: "C-08",
        rage: faults,
    },
    Storm {
        name: "entropy",
        case: "C-11",
        rage: |_, _| on_threads(drain),
    },
];

/// More than any box of the project has processors.
const THREADS: usize = 8;

/// Does one thing for ever on several threads, or on this one alone.
fn on_threads(one: fn()) {
    for _ in 1..THREADS {
        // There may be no room for another; this one is enough.
        let _ = thread::Builder::new().spawn(move || {
            loop {
                one();
            }
        });
    }
    loop {
        one();
    }
}

fn futexes(_: &World, _: &mut Wall) {
    let shared = Arc::new(Mutex::new(0_u64));
    for _ in 1..THREADS {
        let shared = Arc::clone(&shared);
        let _ = thread::Builder::new().spawn(move || {
            loop {
                bump(&shared);
            }
        });
    }
    loop {
        bump(&shared);
    }
}

fn bump(shared: &Mutex<u64>) {
    if let Ok(mut number) = shared.lock() {
        *number = number.wrapping_add(1);
        thread::yield_now();
    }
}

/// Random numbers, as many as one call gives.
fn drain() {
    let mut bytes = [0_u8; 256];
    let _ = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    std::hint::black_box(&bytes);
}

/// Pages that are given and taken back.
fn faults(_: &World, _: &mut Wall) {
    loop {
        let pages = vec![0xA5_u8; 2 << 20];
        std::hint::black_box(&pages);
    }
}
