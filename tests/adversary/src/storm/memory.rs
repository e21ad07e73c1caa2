//! Memory without end, in every place that it can be put

use std::fs::File;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::Errno;

use super::{Storm, Wall};
use crate::sys;
use crate::world::World;

pub(super) const STORMS: &[Storm] = &[
    Storm {
        name: "anonymous",
        case: "C-03",
        rage: anonymous,
    },
    Storm {
        name: "temporary",
        case: "C-04",
        rage: temporary,
    },
    Storm {
        name: "memory-files",
        case: "C-04",
        rage: memory_files,
    },
    Storm {
        name: "shared-memory",
        case: "C-04",
        rage: shared_memory,
    },
    Storm {
        name: "pipes",
        case: "C-05",
        rage: pipes,
    },
    Storm {
        name: "sockets",
        case: "C-05",
        rage: sockets,
    },
    Storm {
        name: "datagrams",
        case: "C-05",
        rage: datagrams,
    },
    Storm {
        name: "backlog",
        case: "C-05",
        rage: backlog,
    },
];

const CHUNK: usize = 64 << 10;
/// How long what was taken is kept before the storm begins anew.
const HELD: Duration = Duration::from_millis(300);

fn number(error: &std::io::Error) -> i32 {
    error.raw_os_error().unwrap_or(0)
}

/// Until the kernel kills.
fn anonymous(_: &World, _: &mut Wall) {
    let mut eaten: Vec<Vec<u8>> = Vec::new();
    loop {
        eaten.push(vec![0xA5; CHUNK]);
        std::hint::black_box(&eaten);
    }
}

/// The bundle's temporary file system.
fn temporary(_: &World, wall: &mut Wall) {
    fill("/tmp/storm", wall);
    thread::sleep(HELD);
}

fn fill(path: &str, wall: &mut Wall) {
    let mut written = 0;
    match File::create(path) {
        Err(error) => wall.held(number(&error), 0),
        Ok(mut file) => loop {
            match file.write_all(&[0xA5; CHUNK]) {
                Ok(()) => written += CHUNK,
                Err(error) => break wall.held(number(&error), written),
            }
        },
    }
}

/// Files in memory, where the kernel and the filter allow them.
fn memory_files(_: &World, wall: &mut Wall) {
    let mut files = Vec::new();
    loop {
        let made = memfd_create("storm", MemfdFlags::CLOEXEC).map(File::from);
        match made {
            Err(errno) => break wall.held(errno.raw_os_error(), files.len()),
            Ok(mut file) => {
                if let Err(error) = file.write_all(&[0xA5; 16 * CHUNK]) {
                    break wall.held(number(&error), files.len());
                }
                files.push(file);
            }
        }
    }
    thread::sleep(HELD);
}

/// System V segments: shmget(2) with IPC_PRIVATE.
fn shared_memory(_: &World, wall: &mut Wall) {
    const MODE: usize = 0o600;
    match sys::call(libc::SYS_shmget, &[0, 1 << 20, MODE]) {
        Ok(_) => println!("storm C-04 shared-memory allowed"),
        Err(crate::attempt::Failure::Refused(errno) | crate::attempt::Failure::Setup(errno)) => {
            wall.held(errno, 0);
        }
    }
    thread::sleep(HELD);
}

/// Pipes, each as large as it may be made, and full.
fn pipes(_: &World, wall: &mut Wall) {
    let mut held: Vec<(File, OwnedFd)> = Vec::new();
    loop {
        let made = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::NONBLOCK);
        match made {
            Err(errno) => break wall.held(errno.raw_os_error(), held.len()),
            Ok((reader, writer)) => {
                let _ = rustix::pipe::fcntl_setpipe_size(&writer, 1 << 20);
                let mut writer = File::from(writer);
                while writer.write(&[0xA5; 4096]).is_ok() {}
                held.push((writer, reader));
            }
        }
    }
    thread::sleep(HELD);
}

/// Socket pairs that nobody reads.
fn sockets(_: &World, wall: &mut Wall) {
    let mut held = Vec::new();
    loop {
        match UnixStream::pair() {
            Err(error) => break wall.held(number(&error), held.len()),
            Ok((mut left, right)) => {
                let _ = left.set_nonblocking(true);
                while left.write(&[0xA5; CHUNK]).is_ok() {}
                held.push((left, right));
            }
        }
    }
    thread::sleep(HELD);
}

/// Datagrams to sockets that nobody reads.
fn datagrams(_: &World, wall: &mut Wall) {
    let mut held = Vec::new();
    loop {
        let made = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0));
        match made.and_then(|socket| Ok((socket.local_addr()?, socket))) {
            Err(error) => break wall.held(number(&error), held.len()),
            Ok((address, socket)) => {
                let _ = socket.set_nonblocking(true);
                for _ in 0..1000 {
                    let _ = socket.send_to(&[0xA5; 1400], address);
                }
                held.push(socket);
            }
        }
    }
    thread::sleep(HELD);
}

/// Connections to oneself that are never accepted, with data in both queues.
fn backlog(_: &World, wall: &mut Wall) {
    let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)) else {
        return wall.held(Errno::ADDRNOTAVAIL.raw_os_error(), 0);
    };
    let Ok(address) = listener.local_addr() else {
        return;
    };
    let mut held = Vec::new();
    loop {
        match TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
            Err(error) => break wall.held(number(&error), held.len()),
            Ok(mut stream) => {
                let _ = stream.set_nonblocking(true);
                while stream.write(&[0xA5; CHUNK]).is_ok() {}
                held.push(stream);
            }
        }
    }
    thread::sleep(HELD);
}
