//! A user namespace with nobody in it
//!
//! Made once per slot by a short-lived child, kept by its descriptor: it maps ids, holds nobody,
//! and is the same for every life of the slot. The reaper and
//! every bundle enter it last. It maps the slot's range of outer ids to 0 and up, and allows no
//! namespaces inside: without that, even a program without capabilities could make a user
//! namespace and with it mounts and networks of its own.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use limen_proto::id::Slot;
use limen_proto::jail::Step;
use limen_proto::limits::SLOT_IDS;
use limen_proto::state::Exit;
use rustix::io::Errno;

use crate::fault::{At, Fault};
use crate::pool::aside;
use crate::reap;
use crate::sys::clone::{self, Namespaces, Parent};
use crate::sys::exit;

const STEP: Step = Step::Namespaces;
/// Limits on namespaces inside, all 0.
const FORBIDDEN: [&str; 3] = [
    "/proc/sys/user/max_user_namespaces",
    "/proc/sys/user/max_mnt_namespaces",
    "/proc/sys/user/max_net_namespaces",
];

/// Those that were made.
#[derive(Debug, Default)]
pub(crate) struct Users(Vec<(Slot, OwnedFd)>);

impl Users {
    /// That of a slot.
    pub(crate) fn of(&mut self, slot: Slot) -> Result<BorrowedFd<'_>, Fault> {
        let place = match self.0.iter().position(|(of, _)| *of == slot) {
            Some(place) => place,
            None => {
                self.0.push((slot, aside(make(slot)?)?));
                self.0.len() - 1
            }
        };
        let missing = || Fault::new(STEP, "find the user namespace of", slot, Errno::NOENT);
        self.0
            .get(place)
            .map(|(_, users)| users.as_fd())
            .ok_or_else(missing)
    }
}

/// Makes the namespace of a slot.
pub(crate) fn make(slot: Slot) -> Result<OwnedFd, Fault> {
    make_without(slot, &FORBIDDEN)
}

/// Makes the namespace with these limits set to 0.
pub(crate) fn make_without(slot: Slot, forbidden: &[&str]) -> Result<OwnedFd, Fault> {
    let pipe = || std::io::pipe().at(STEP, "make", "a pipe");
    let (mut mapped, tell) = pipe()?;
    let mut tell = Some(tell);
    let maker = clone::process(Namespaces::USER, None, Parent::Caller, || {
        // The maker's copy: with it, it would wait for itself when this process is gone, for ever, and
        // hold all that it has copies of.
        drop(tell.take());
        // Only the parent may write the maps, and only somebody inside the limits.
        let outcome = mapped
            .read_exact(&mut [0])
            .and_then(|()| forbidden.iter().try_for_each(|path| fs::write(path, "0")));
        exit(u8::from(outcome.is_err()))
    })
    .at(STEP, "make", "the user namespace's maker")?;
    let process = format!("/proc/{}", maker.pid);
    let namespace = map(&process, slot).and_then(|()| {
        let path = format!("{process}/ns/user");
        File::open(&path).at(STEP, "open", path)
    });
    // Whatever happened, the maker must not be left waiting; without a byte it ends as failed.
    if namespace.is_ok()
        && let Some(tell) = &mut tell
    {
        tell.write_all(&[1]).at(STEP, "write to", "the maker")?;
    }
    drop(tell);
    let end = reap::wait(&maker.pidfd).at(STEP, "wait for", "the maker")?;
    let namespace = namespace?;
    if end == Exit::Status(0) {
        Ok(namespace.into())
    } else {
        Err(Fault::new(
            STEP,
            "forbid",
            "further namespaces in the user namespace",
            Errno::PERM,
        ))
    }
}

fn map(process: &str, slot: Slot) -> Result<(), Fault> {
    let line = format!("0 {} {SLOT_IDS}", slot.first_id());
    for file in ["uid_map", "gid_map"] {
        let path = format!("{process}/{file}");
        fs::write(&path, &line).at(STEP, "write", path)?;
    }
    Ok(())
}
