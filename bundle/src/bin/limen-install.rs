//! limen-install: the only writer of the bundle store
//!
//! Started by init for one order of the steward, jailed, with one provider's tree at `/tenant` and no
//! network. What it does is in `limen_bundle::install`; this file only collects what it was given:
//! descriptor 4, descriptor 5 if there is an upload, and the tree, which a first argument may name
//! instead (the image's table gives none; a test does).

use std::process::ExitCode;

use limen_bundle::install::{self, Hand};
use limen_bundle::store::Ownership;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

fn hand() -> Result<Hand, (&'static str, Errno)> {
    let channel = limen_channel::inherited(install::CHANNEL_DESCRIPTOR)
        .map_err(|errno| ("no channel to the steward on descriptor 4", errno))?;
    let upload = match limen_channel::inherited(install::UPLOAD_DESCRIPTOR) {
        Err(Errno::BADF) => None,
        other => Some(other.map_err(|errno| ("descriptor 5 cannot be taken", errno))?),
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let place = std::env::args_os()
        .nth(1)
        .unwrap_or_else(|| install::TENANT_PATH.into());
    let tenant = rustix::fs::open(place, flags, Mode::empty())
        .map_err(|errno| ("no tree of a provider at /tenant", errno))?;
    Ok(Hand {
        channel,
        upload,
        tenant,
        architecture: install::own_architecture(),
        ownership: Ownership::Box,
    })
}

fn main() -> ExitCode {
    // The modes of what is written are the format's, not the caller's.
    rustix::process::umask(Mode::from_raw_mode(0o022));
    let hand = match hand() {
        Ok(hand) => hand,
        Err((what, errno)) => {
            eprintln!(
                "{what}: {errno}; limen-install is started by init, on the steward's request"
            );
            return ExitCode::from(2);
        }
    };
    match install::run(hand) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("order not carried out: {error}");
            ExitCode::FAILURE
        }
    }
}
