//! The console: descriptors 0, 1, 2, and where messages go
//!
//! The kernel gives its first program the `/dev/console` of the initramfs when the archive has one,
//! or nothing. `adopt` replaces it with the node of the real `/dev`, which survives the move to the
//! real root. Errors go to the console whatever the log level is; notes go to the kernel log, where
//! they carry the kernel's time stamp and a quiet boot stays quiet.

use std::io::Write as _;

use rustix::fs::{Mode, OFlags};

use crate::fault::Fault;

const CONSOLE: &str = "/dev/console";

/// Opens the console and makes it standard input, output and error.
pub(crate) fn adopt() -> Result<(), Fault> {
    let open = |path| {
        rustix::fs::open(
            path,
            OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC,
            Mode::empty(),
        )
    };
    // A kernel that was told of no console answers ENODEV; the box must boot all the same.
    let console = open(CONSOLE)
        .or_else(|_| open("/dev/null"))
        .map_err(|errno| Fault::new("open", CONSOLE, errno))?;
    rustix::stdio::dup2_stdin(&console)
        .and_then(|()| rustix::stdio::dup2_stdout(&console))
        .and_then(|()| rustix::stdio::dup2_stderr(&console))
        .map_err(|errno| Fault::new("dup2", CONSOLE, errno))
}

/// Something a person must see.
pub(crate) fn error(message: &str) {
    // A console that cannot be written to leaves nobody to tell.
    let _ = writeln!(std::io::stderr(), "limen-early: {message}");
    // A warning, and not an error, which a quiet boot would show a second time.
    log(4, message);
}

/// Something for the kernel log, with the kernel's time stamp.
pub(crate) fn note(message: &str) {
    log(6, message);
}

fn log(priority: u8, message: &str) {
    if let Ok(mut kmsg) = std::fs::OpenOptions::new().write(true).open("/dev/kmsg") {
        let _ = kmsg.write_all(format!("<{priority}>limen-early: {message}\n").as_bytes());
    }
}
