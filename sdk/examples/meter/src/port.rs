//! The P1 port: a serial line of 115200 bit/s, 8 data bits, no parity, 1 stop bit
//!
//! Anything that can be read will do: what is not a terminal is taken as it is.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{Mode, OFlags, fcntl_setfl, open};
use rustix::termios::{ControlModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};

const SPEED: u32 = 115_200;

/// Opens the port. `raw` says whether it is a serial line that took its settings.
///
/// # Errors
/// The device cannot be opened.
pub fn open_port(path: &Path) -> io::Result<(File, io::Result<()>)> {
    // Without NONBLOCK a line without carrier is waited for; NOCTTY: it is no login.
    let flags = OFlags::RDONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let port = open(path, flags, Mode::empty())?;
    let settings = set_line(&port).map_err(io::Error::from);
    fcntl_setfl(&port, OFlags::empty())?;
    Ok((File::from(port), settings))
}

fn set_line(port: impl std::os::fd::AsFd) -> rustix::io::Result<()> {
    let mut line = tcgetattr(&port)?;
    line.make_raw();
    line.set_speed(SPEED)?;
    line.control_modes |= ControlModes::CLOCAL | ControlModes::CREAD;
    line.control_modes -= ControlModes::CSTOPB;
    line.special_codes[SpecialCodeIndex::VMIN] = 1;
    line.special_codes[SpecialCodeIndex::VTIME] = 0;
    tcsetattr(&port, OptionalActions::Now, &line)
}
