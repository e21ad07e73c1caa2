//! Controls: what an honest program does and must be able to do
//!
//! A sandbox that kills everything would block every attack.

use std::fs;
use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use crate::attempt::EXECUTED_STATUS;
use crate::sys::{self, Ended};
use crate::world::World;

type Control = (&'static str, fn(&World) -> Result<(), String>);

const CONTROLS: &[Control] = &[
    ("fork", fork),
    ("thread", thread),
    ("write", write),
    ("descriptor", descriptor),
    ("random", random),
    ("execute", execute),
    ("clock", clock),
    ("loopback", loopback),
    ("time-out", time_out),
    ("user", user),
    ("mask", mask),
];

/// Runs all of them.
pub(crate) fn run(world: &World) -> bool {
    let mut fine = true;
    for (id, control) in CONTROLS {
        match control(world) {
            Ok(()) => println!("control {id} ok"),
            Err(why) => {
                fine = false;
                println!("control {id} failed {why}");
            }
        }
    }
    fine
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

fn fork(_: &World) -> Result<(), String> {
    match sys::in_child(|| ()) {
        Ok(Ended::Status(0)) => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

fn thread(_: &World) -> Result<(), String> {
    let started = thread::Builder::new().spawn(|| 7).map_err(text)?;
    match started.join() {
        Ok(7) => Ok(()),
        _ => Err("the thread did not return".to_owned()),
    }
}

fn write(world: &World) -> Result<(), String> {
    let path = world.own("control").ok_or("no writable folder")?;
    fs::write(&path, "own data").map_err(text)?;
    let back = fs::read(&path).map_err(text)?;
    fs::remove_file(&path).map_err(text)?;
    (back == b"own data")
        .then_some(())
        .ok_or_else(|| "other data came back".to_owned())
}

/// Passes the write end of a pipe over a socket pair and writes through what arrives.
fn descriptor(_: &World) -> Result<(), String> {
    let (mut reader, writer) = sys::pipe().map_err(text)?;
    let passed = pass(&writer).map_err(text)?;
    drop(writer);
    fs::File::from(passed).write_all(b"x").map_err(text)?;
    let mut byte = [0];
    reader.read_exact(&mut byte).map_err(text)
}

/// Sends a descriptor through a socket pair to oneself.
fn pass(descriptor: &OwnedFd) -> std::io::Result<OwnedFd> {
    let (left, right) = UnixStream::pair()?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let riders = [descriptor.as_fd()];
    ancillary.push(SendAncillaryMessage::ScmRights(&riders));
    let packet = [IoSlice::new(b"x")];
    sendmsg(&left, &packet, &mut ancillary, SendFlags::empty())?;

    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let mut packet = [IoSliceMut::new(&mut byte)];
    recvmsg(&right, &mut packet, &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    let passed = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut passed) => passed.next(),
        _ => None,
    });
    passed.ok_or_else(|| std::io::ErrorKind::NotFound.into())
}

fn random(_: &World) -> Result<(), String> {
    let mut bytes = [0u8; 16];
    let address = (&raw mut bytes) as usize;
    let got = sys::call(libc::SYS_getrandom, &[address, bytes.len(), 0]);
    match got {
        Ok(16) if bytes != [0; 16] => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

fn execute(_: &World) -> Result<(), String> {
    let program = std::env::current_exe().map_err(text)?;
    let status = Command::new(program)
        .arg(crate::EXECUTED)
        .status()
        .map_err(text)?;
    (status.code() == Some(i32::from(EXECUTED_STATUS)))
        .then_some(())
        .ok_or_else(|| format!("{status}"))
}

fn clock(_: &World) -> Result<(), String> {
    let start = Instant::now();
    thread::sleep(Duration::from_millis(5));
    (start.elapsed() >= Duration::from_millis(5))
        .then_some(())
        .ok_or_else(|| "the clock stands".to_owned())
}

fn loopback(_: &World) -> Result<(), String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(text)?;
    let address = listener.local_addr().map_err(text)?;
    let mut client = TcpStream::connect(address).map_err(text)?;
    let (mut server, _) = listener.accept().map_err(text)?;
    client.write_all(b"x").map_err(text)?;
    let mut byte = [0];
    server.read_exact(&mut byte).map_err(text)
}

fn time_out(_: &World) -> Result<(), String> {
    let (_silent, client) = UnixStream::pair().map_err(text)?;
    let limit = Some(Duration::from_millis(5));
    client.set_read_timeout(limit).map_err(text)?;
    match (&client).read(&mut [0]) {
        Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

/// What a program does that would drop root: look its user up, and become it.
fn user(_: &World) -> Result<(), String> {
    // SAFETY: getuid(2) touches no memory.
    let own = unsafe { libc::getuid() };
    let known = fs::read_to_string("/etc/passwd").map_err(text)?;
    let line = format!("attacker:x:{own}:{own}:");
    if !known.lines().any(|known| known.starts_with(&line)) {
        return Err(format!("no {line} in {known:?}"));
    }
    let own = usize::try_from(own).map_err(text)?;
    let become_own = [
        (libc::SYS_setgid, [own, 0, 0]),
        (libc::SYS_setuid, [own, 0, 0]),
        (libc::SYS_setresuid, [own, own, own]),
    ];
    for (number, arguments) in become_own {
        sys::call(number, &arguments).map_err(|failure| format!("{number}: {failure:?}"))?;
    }
    Ok(())
}

/// Case A-01, what the kernel shows to nobody else: securebits, and which signals were blocked or
/// ignored when the program began, in each of its threads.
fn mask(_: &World) -> Result<(), String> {
    /// Without root's rights, uid changes leave capabilities alone, none is raised; all locked, and
    /// keeping them too.
    const SECUREBITS: i32 = 0b1110_1111;
    /// The standard library of this program ignores it.
    const SIGPIPE: u64 = 1 << (libc::SIGPIPE - 1);
    // SAFETY: this option touches no memory.
    let bits = unsafe { libc::prctl(libc::PR_GET_SECUREBITS) };
    if bits != SECUREBITS {
        return Err(format!("securebits are {bits:#x}"));
    }
    let look = || -> Result<(), String> {
        let status = fs::read_to_string("/proc/thread-self/status").map_err(text)?;
        for (name, fine) in [("SigBlk:", 0), ("SigIgn:", SIGPIPE)] {
            let found = status.lines().find_map(|line| line.strip_prefix(name));
            let found = found.ok_or_else(|| format!("no {name}"))?.trim();
            let found = u64::from_str_radix(found, 16).map_err(text)?;
            if found & !fine != 0 {
                return Err(format!("{name} {found:x}"));
            }
        }
        Ok(())
    };
    look()?;
    for thread in [(); 4].map(|()| thread::spawn(look)) {
        thread.join().map_err(|_| "a thread panicked")??;
    }
    Ok(())
}
