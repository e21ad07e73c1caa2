//! A bundle's files in its root
//!
//! The bundle's own tree cannot be the root itself: it is read-only and need not hold `/proc` or
//! `/run`. So the root is ours, and each entry at the top of the bundle's tree is mounted into it
//! or, for a link, made again. What the gateway mounts by itself (`/dev`, `/proc`, `/run`, `/sys`,
//! `/tmp`) is never taken from the bundle, whatever it is there.

use std::os::fd::{AsFd, OwnedFd};

use limen_proto::id::Digest;
use limen_proto::jail::Step;
use rustix::fs::{CWD, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::{BENEATH, Root, STEP, Source, Use};
use crate::fault::{At, Fault};
use crate::step::landlock::{Right, Rules};
use crate::step::quota::TENANTS;

/// Names at the top that are the gateway's.
pub(super) const OURS: [&str; 5] = ["dev", "proc", "run", "sys", "tmp"];
/// Most entries at the top: each costs a mount.
const ENTRIES: usize = 64;

/// The entries at the top of a bundle that are mounted, each at its own name.
pub(crate) fn entries(tree: &str, digest: &Digest) -> Result<Vec<String>, Fault> {
    let mut entries = list(&open_files(tree, digest)?)?;
    entries.retain(|(name, kind)| !OURS.contains(&name.as_str()) && *kind != FileType::Symlink);
    Ok(entries.into_iter().map(|(name, _)| name).collect())
}

impl Root {
    /// Mounts the files of `digest` from the tree of slot `tree` (its name below the tenants).
    pub(crate) fn bundle(&self, tree: &str, digest: &Digest) -> Result<(), Fault> {
        let top = open_files(tree, digest)?;
        let entries = list(&top)?;
        if entries.len() > ENTRIES {
            return Err(Fault::new(
                STEP,
                "mount",
                format_args!("more than {ENTRIES} entries at the top of a bundle"),
                Errno::TOOBIG,
            ));
        }
        for (name, kind) in entries {
            if !OURS.contains(&name.as_str()) {
                self.entry(&top, &name, kind)?;
            }
        }
        Ok(())
    }

    /// Allows executing what was mounted, beside `volumes`, paths inside the root.
    pub(crate) fn execution(&self, volumes: &[&str], rules: &mut Rules) -> Result<(), Fault> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let top =
            rustix::fs::openat(&self.mount, ".", flags, Mode::empty()).at(STEP, "open", "/")?;
        for (name, kind) in list(&top)? {
            if !OURS.contains(&name.as_str()) && kind != FileType::Symlink {
                execution(&top, &format!("/{name}"), kind, volumes, rules)?;
            }
        }
        Ok(())
    }

    fn entry(&self, top: &OwnedFd, name: &str, kind: FileType) -> Result<(), Fault> {
        let path = format!("/{name}");
        match kind {
            FileType::Symlink => {
                let target =
                    rustix::fs::readlinkat(top, name, Vec::new()).at(STEP, "read", &path)?;
                rustix::fs::symlinkat(target, &self.mount, name).at(STEP, "link", &path)
            }
            FileType::Directory | FileType::RegularFile => {
                let source = Source::beneath(top.as_fd(), name)?;
                self.bind(&source, &path, Use::Execute)
            }
            _ => Err(Fault::new(
                STEP,
                "mount the special file",
                path,
                Errno::INVAL,
            )),
        }
    }
}

/// Allows executing below `path`, except on the way to a volume: rights add up from the top, so
/// what is allowed above a volume is allowed in it.
fn execution(
    top: &OwnedFd,
    path: &str,
    kind: FileType,
    volumes: &[&str],
    rules: &mut Rules,
) -> Result<(), Fault> {
    let leads_to = |volume: &&str| {
        volume
            .strip_prefix(path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if !volumes.iter().any(leads_to) {
        rules.allow(path, Right::Execute);
        return Ok(());
    }
    if kind != FileType::Directory || volumes.contains(&path) {
        return Ok(());
    }
    let inside = path.trim_start_matches('/');
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory =
        rustix::fs::openat2(top, inside, flags, Mode::empty(), BENEATH).at(STEP, "open", path)?;
    for (name, kind) in list(&directory)? {
        match kind {
            // A link leads to a place that has, or lacks, a right of its own.
            FileType::Symlink => {}
            kind => execution(top, &format!("{path}/{name}"), kind, volumes, rules)?,
        }
    }
    Ok(())
}

fn open_files(tree: &str, digest: &Digest) -> Result<OwnedFd, Fault> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let tenants =
        rustix::fs::openat(CWD, TENANTS, flags, Mode::empty()).at(STEP, "open", TENANTS)?;
    let path = format!("{tree}/store/{digest}/root");
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat2(&tenants, &path, flags, Mode::empty(), BENEATH).at(
        Step::Mounts,
        "open the bundle's files",
        path,
    )
}

/// The names in a directory and what each is, sorted; names that are not UTF-8 are refused.
fn list(directory: &OwnedFd) -> Result<Vec<(String, FileType)>, Fault> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory).at(STEP, "list", "the bundle's files")? {
        let entry = entry.at(STEP, "list", "the bundle's files")?;
        match entry.file_name().to_str() {
            Ok("." | "..") => {}
            Ok(name) => names.push((name.to_owned(), kind(directory, name, entry.file_type())?)),
            Err(_) => {
                return Err(Fault::new(
                    STEP,
                    "read",
                    "a name in the bundle",
                    Errno::ILSEQ,
                ));
            }
        }
    }
    names.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    Ok(names)
}

/// Some file systems do not say in the directory itself what an entry is.
fn kind(directory: &OwnedFd, name: &str, said: FileType) -> Result<FileType, Fault> {
    if said != FileType::Unknown {
        return Ok(said);
    }
    rustix::fs::statat(directory, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)
        .map(|status| FileType::from_raw_mode(status.st_mode))
        .at(STEP, "look at", name)
}
