//! The disk: full, worn and busy

use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::thread;
use std::time::{Duration, Instant};

use super::{Storm, Wall};
use crate::world::World;

pub(super) const STORMS: &[Storm] = &[
    Storm {
        name: "disk-data",
        case: "C-07",
        rage: data,
    },
    Storm {
        name: "disk-inodes",
        case: "C-07",
        rage: inodes,
    },
    Storm {
        name: "disk-sparse",
        case: "C-07",
        rage: sparse,
    },
    Storm {
        name: "disk-deleted",
        case: "C-07",
        rage: deleted,
    },
    Storm {
        name: "log",
        case: "C-07",
        rage: log,
    },
    Storm {
        name: "syncs",
        case: "C-09",
        rage: syncs,
    },
    Storm {
        name: "pace",
        case: "C-09",
        rage: pace,
    },
];

const CHUNK: usize = 64 << 10;
/// How long a full disk is left full.
const HELD: Duration = Duration::from_millis(500);

fn number(error: &std::io::Error) -> i32 {
    error.raw_os_error().unwrap_or(0)
}

fn pour(file: &mut File, wall: &mut Wall) {
    let mut written = 0;
    loop {
        match file.write_all(&[0xA5; CHUNK]) {
            Ok(()) => written += CHUNK,
            Err(error) => break wall.held(number(&error), written),
        }
    }
}

fn data(world: &World, wall: &mut Wall) {
    let Some(path) = world.own("data") else {
        return;
    };
    match File::create(&path) {
        Ok(mut file) => pour(&mut file, wall),
        Err(error) => wall.held(number(&error), 0),
    }
    thread::sleep(HELD);
    let _ = fs::remove_file(path);
}

fn inodes(world: &World, wall: &mut Wall) {
    let Some(folder) = world.own("inodes") else {
        return;
    };
    let _ = fs::create_dir(&folder);
    for count in 0.. {
        if let Err(error) = File::create(folder.join(count.to_string())) {
            wall.held(number(&error), count);
            break;
        }
    }
    thread::sleep(HELD);
    let _ = fs::remove_dir_all(folder);
}

/// A file of a tebibyte with one byte in each of many places.
fn sparse(world: &World, wall: &mut Wall) {
    let Some(path) = world.own("sparse") else {
        return;
    };
    let write = || {
        let mut file = File::create(&path)?;
        file.set_len(1 << 40)?;
        for place in 0..100_000 {
            file.seek(SeekFrom::Start(place << 23))?;
            file.write_all(b"x")?;
        }
        Ok(())
    };
    if let Err(error) = write() {
        let error: std::io::Error = error;
        wall.held(number(&error), 0);
    }
    let _ = fs::remove_file(&path);
}

/// Data in files that no folder names.
fn deleted(world: &World, wall: &mut Wall) {
    let Some(path) = world.own("deleted") else {
        return;
    };
    match File::create(&path) {
        Ok(mut file) => {
            let _ = fs::remove_file(&path);
            pour(&mut file, wall);
            thread::sleep(HELD);
        }
        Err(error) => wall.held(number(&error), 0),
    }
}

/// Its own log at full speed.
fn log(_: &World, _: &mut Wall) {
    let line = "storm C-07 log ".to_owned() + &"x".repeat(200);
    for _ in 0..1000 {
        println!("{line}");
    }
}

/// Small writes, each waited for.
fn syncs(world: &World, wall: &mut Wall) {
    let Some(path) = world.own("syncs") else {
        return;
    };
    let Ok(mut file) = File::create(path) else {
        return wall.held(libc::ENOSPC, 0);
    };
    for place in 0..1000_u64 {
        let place = place.wrapping_mul(2_654_435_761) % 200 * 4096;
        let written = file
            .seek(SeekFrom::Start(place))
            .and_then(|_| file.write_all(&[0xA5; 512]))
            .and_then(|()| file.sync_all());
        if let Err(error) = written {
            return wall.held(number(&error), 0);
        }
    }
}

/// How long a pace is measured, by the box's clock.
const MEASURED: Duration = Duration::from_secs(4);

/// As much as the disk takes, in pieces that are waited for; says how much that is, bytes a second.
fn pace(world: &World, wall: &mut Wall) {
    let Some(path) = world.own("pace") else {
        return;
    };
    let Ok(mut file) = File::create(path) else {
        return wall.held(libc::ENOSPC, 0);
    };
    let (begun, mut written) = (Instant::now(), 0_u64);
    while begun.elapsed() < MEASURED {
        let piece = file
            .seek(SeekFrom::Start(written % (512 << 10)))
            .and_then(|_| file.write_all(&[0xA5; CHUNK]))
            .and_then(|()| file.sync_data());
        if let Err(error) = piece {
            return wall.held(number(&error), 0);
        }
        written += CHUNK as u64;
    }
    let milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    println!(
        "storm C-09 pace is {}",
        written * 1000 / milliseconds.max(1)
    );
}
