//! Resources: taking more than the bundle's share

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use crate::attempt::{Attack, Failure, Outcome, refused, setup};
use crate::sys;
use crate::world::World;

/// Far beyond any bundle's share of processes.
const PROCESSES: usize = 5000;
/// Far beyond any bundle's share of a small file system, bytes.
const BYTES: usize = 256 << 20;
const CHUNK: usize = 64 << 10;

pub(crate) const ATTACKS: &[Attack] = &[
    Attack {
        id: "C-01",
        what: "processes without end",
        walls: &[libc::EAGAIN, libc::ENOMEM],
        attempt: fork_bomb,
    },
    Attack {
        id: "C-04",
        what: "fill the temporary file system",
        walls: &[libc::ENOSPC, libc::EDQUOT],
        attempt: |_| fill(Path::new("/tmp/fill")),
    },
];

/// Kills the bundle where the wall stands.
pub(crate) const MEMORY: [Attack; 1] = [Attack {
    id: "C-03",
    what: "memory without end",
    walls: &[libc::ENOMEM],
    attempt: |_| {
        eat();
        Ok(())
    },
}];

/// Writes as much as the provider's whole disk.
pub(crate) const DISK: [Attack; 1] = [Attack {
    id: "C-07",
    what: "fill the volume",
    walls: &[libc::ENOSPC, libc::EDQUOT],
    attempt: |world: &World| {
        let path = world.own("fill").ok_or(Failure::Setup(libc::ENOENT))?;
        fill(&path)
    },
}];

/// Children wait until they are killed, so the bomb is as large as it gets, and leaves nothing.
fn fork_bomb(_: &World) -> Outcome {
    let mut children = Vec::new();
    let outcome = loop {
        if children.len() == PROCESSES {
            break Ok(());
        }
        match sys::spawn(|| {
            loop {
                std::thread::park();
            }
        }) {
            Ok(child) => children.push(child),
            Err(errno) => break Err(Failure::Refused(errno)),
        }
    };
    for child in &children {
        sys::kill(*child);
    }
    for child in children {
        // A child that is gone already is what is wanted.
        let _ = sys::wait(child);
    }
    outcome
}

fn fill(path: &Path) -> Outcome {
    let mut file = File::create(path).map_err(|error| setup(&error))?;
    let chunk = vec![0xA5; CHUNK];
    let written = (0..BYTES / CHUNK).try_for_each(|_| file.write_all(&chunk));
    let written = written.and_then(|()| file.sync_all());
    drop(file);
    let _ = fs::remove_file(path);
    written.map_err(|error| refused(&error))
}

/// Touches every page, so that none is only promised.
fn eat() {
    let mut eaten: Vec<Vec<u8>> = Vec::new();
    while eaten.len() * CHUNK < 4 * BYTES {
        eaten.push(vec![0xA5; CHUNK]);
    }
    std::hint::black_box(&eaten);
}
