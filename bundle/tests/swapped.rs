//! A bundle that changes while it is installed: the bytes that were proved are the bytes that are kept.
//!
//! Case A-18. The upload is a file here, which somebody else writes to at the same time; on the box it
//! is a pipe, of which nothing can be read twice.

#[path = "support/steward.rs"]
mod steward;
mod support;

use std::fs::{self, File};
use std::io::Seek as _;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use limen_bundle::signature::PublicKey;
use limen_proto::id::Digest;
use limen_proto::install::{Order, Report};
use steward::{Steward, install_order};
use support::{Workshop, noise};

const GARBAGE: [u8; 4096] = [0x5A; 4096];

/// A signed bundle as a file that can be changed.
struct Upload {
    bytes: Vec<u8>,
    key: PublicKey,
    file: File,
}

impl Upload {
    fn new(workshop: &Workshop) -> Self {
        let (bytes, key) = workshop.signed();
        let path = workshop.path("upload");
        fs::write(&path, &bytes).expect("room");
        let file = File::options().read(true).write(true).open(path);
        let file = file.expect("there");
        Self { bytes, key, file }
    }

    /// A description of its own, at the beginning.
    fn open(&self, workshop: &Workshop) -> File {
        File::open(workshop.path("upload")).expect("there")
    }

    /// Installs from `file` while `attack` goes on; the digest, if it was admitted, and the outcome.
    fn install(
        &self,
        tenant: &Path,
        file: File,
        attack: impl Fn() + Sync,
    ) -> (Option<Digest>, Report) {
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    attack();
                }
            });
            let steward = Steward::reading(tenant, Some(OwnedFd::from(file)));
            steward.order(&install_order(std::slice::from_ref(&self.key)));
            let mut outcome = steward.outcome();
            let mut digest = None;
            if let Report::Admit(summary) = &outcome {
                digest = Some(summary.digest);
                steward.order(&Order::Go(Ok(())));
                outcome = steward.outcome();
            }
            over.store(true, Ordering::Relaxed);
            assert_eq!(steward.end().is_ok(), outcome == Report::Done);
            (digest, outcome)
        })
    }
}

fn is_as_signed(tenant: &Path, digest: &Digest) {
    let root = tenant.join("store").join(digest.to_string()).join("root");
    let kept = |name: &str| fs::read(root.join(name)).expect("there");
    assert_eq!(kept("lib/noise"), noise(150_000));
    assert_eq!(kept("bin/server"), b"#!program");
}

#[test]
fn what_was_read_is_never_read_again() {
    let workshop = Workshop::new();
    let upload = Upload::new(&workshop);
    let tenant = workshop.path("tenant");
    let reader = upload.open(&workshop);
    // The same open file: its place is how far was read.
    let spy = reader.try_clone().expect("a descriptor");
    let (digest, outcome) = upload.install(&tenant, reader, || {
        let read = (&spy).stream_position().unwrap_or(0);
        for place in (0..read).step_by(GARBAGE.len()) {
            let length = (read - place).min(GARBAGE.len() as u64);
            let part = &GARBAGE[..usize::try_from(length).unwrap_or(0)];
            upload.file.write_all_at(part, place).expect("room");
        }
    });
    assert_eq!(outcome, Report::Done);
    is_as_signed(&tenant, &digest.expect("admitted"));
}

#[test]
fn a_race_ends_in_a_refusal_or_in_what_was_signed() {
    let workshop = Workshop::new();
    let upload = Upload::new(&workshop);
    let tenant = workshop.path("tenant");
    let (mut installed, mut refused) = (0, 0);
    let last = upload.bytes.len() as u64 - 1;
    for number in 0..64_u64 {
        // Every part of the file in its turn.
        let place = number * last / 64;
        let good = upload.bytes[usize::try_from(place).unwrap_or(0)];
        let reader = upload.open(&workshop);
        let (digest, outcome) = upload.install(&tenant, reader, || {
            for byte in [good ^ 0xff, good] {
                upload.file.write_all_at(&[byte], place).expect("room");
                std::thread::yield_now();
            }
        });
        match (outcome, digest) {
            (Report::Done, Some(digest)) => {
                installed += 1;
                is_as_signed(&tenant, &digest);
                let removed = steward::carried_out(&tenant, &Order::Remove { digest });
                assert_eq!(removed, Report::Done);
            }
            (Report::Refused(_), _) => refused += 1,
            (other, _) => panic!("{other:?}"),
        }
        let store = fs::read_dir(tenant.join("store")).expect("there");
        assert_eq!(store.count(), 0, "of a refused bundle nothing is kept");
        upload.file.write_all_at(&upload.bytes, 0).expect("room");
    }
    // Otherwise there was no race.
    assert!(
        installed > 0 && refused > 0,
        "{installed} installed, {refused} refused"
    );
}
