//! Readiness: telling init how it goes
//!
//! The sd_notify(3) convention: datagrams of `NAME=value` lines to the socket that
//! `NOTIFY_SOCKET` names. Without that variable nobody wants to know, and nothing is sent. Normative
//! text: docs/reference/readiness.md.

use std::env;
use std::io;
use std::os::unix::net::UnixDatagram;

/// Says that the program does its work now. A manifest with `readiness = "notify"` waits for it.
///
/// # Errors
/// The socket does not take the message.
pub fn ready() -> io::Result<()> {
    tell("READY=1")
}

/// Says in one line, for people, what the program is doing.
///
/// # Errors
/// The socket does not take the message.
pub fn status(text: &str) -> io::Result<()> {
    let line = text.lines().next().unwrap_or_default();
    tell(&format!("STATUS={line}"))
}

/// Says that the program is ending.
///
/// # Errors
/// The socket does not take the message.
pub fn stopping() -> io::Result<()> {
    tell("STOPPING=1")
}

fn tell(message: &str) -> io::Result<()> {
    let Some(path) = env::var_os("NOTIFY_SOCKET") else {
        return Ok(());
    };
    UnixDatagram::unbound()?
        .send_to(message.as_bytes(), path)
        .map(drop)
}
