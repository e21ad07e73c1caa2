//! `cargo xtask feed`: the meter at the far end of the box's serial line.
//!
//! Hidden, a child process of `run` that outlives it: connects to the emulator's socket, sends a
//! telegram a second, and ends when the emulator does. A reader that does not keep up loses the
//! rest of a telegram, as on a real serial line; the checksum tells it.

use std::io::{ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use limen_images::qemu::file::METER;
use time::OffsetDateTime;

use crate::telegram::Telegrams;

const PERIOD: Duration = Duration::from_secs(1);

/// How long the emulator may take to open its socket.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);

/// Command line of `feed`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The folder of the emulator's sockets
    folder: PathBuf,
}

/// Feeds until the emulator ends.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut line = connect(arguments)?;
    line.set_write_timeout(Some(PERIOD / 2))
        .context("cannot limit writing")?;
    let mut telegrams = Telegrams::default();
    loop {
        let telegram = telegrams.next(OffsetDateTime::now_utc());
        match line.write_all(telegram.as_bytes()) {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return Ok(()),
        }
        thread::sleep(PERIOD);
    }
}

fn connect(arguments: &Arguments) -> Result<UnixStream> {
    let started = Instant::now();
    loop {
        match limen_images::qmp::connect(&arguments.folder, METER) {
            Ok(line) => return Ok(line),
            Err(_) if started.elapsed() < CONNECT_LIMIT => thread::sleep(PERIOD / 10),
            Err(error) => return Err(error),
        }
    }
}
