//! Packing and reading: the same bytes for the same input, and nothing lost on the way.

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use limen_bundle::chunk::Unpacker;
use limen_bundle::digest;
use limen_bundle::index::Kind;
use limen_bundle::inspect::{Signed, inspect};
use limen_bundle::manifest::Architecture;
use limen_bundle::reader::{BundleError, Sealed};
use support::{MANIFEST, Workshop, noise, pack_trees, signed_by};

/// The files of a bundle's tree, unpacked in memory.
fn contents(bundle: &[u8], architecture: Architecture) -> BTreeMap<String, Vec<u8>> {
    let opened = Sealed::read(bundle)
        .expect("sealed")
        .open_untrusted()
        .expect("opened");
    let (_, mut body) = opened
        .body(|candidate| candidate == architecture)
        .expect("a body");
    let (index, _) = body.take_index(architecture).expect("its index");
    let mut unpacker = Unpacker::default();
    let mut chunks = BTreeMap::new();
    while let Some((chunk, stored)) = body.next_chunk().expect("a chunk") {
        chunks.insert(
            chunk.digest,
            unpacker
                .unpack(&chunk, stored)
                .expect("its content")
                .to_vec(),
        );
    }
    index
        .entries()
        .iter()
        .filter_map(|entry| {
            let Kind::Regular {
                chunks: numbers, ..
            } = &entry.kind
            else {
                return None;
            };
            let parts = numbers
                .iter()
                .map(|number| chunks[&index.chunks()[*number as usize].digest].clone());
            Some((entry.path.to_string(), parts.collect::<Vec<_>>().concat()))
        })
        .collect()
}

#[test]
fn what_goes_in_comes_out() {
    let workshop = Workshop::new();
    let files = contents(&workshop.pack(), Architecture::Aarch64);
    assert_eq!(
        files.keys().map(String::as_str).collect::<Vec<_>>(),
        [
            "bin/server",
            "lib/noise",
            "www/again.html",
            "www/empty",
            "www/index.html",
        ]
    );
    assert_eq!(files["lib/noise"], noise(150_000));
    assert_eq!(files["www/index.html"], b"<p>threshold</p>");
    assert_eq!(files["www/empty"], b"");
}

#[test]
fn inspection_shows_the_tree_and_who_signed() {
    let workshop = Workshop::new();
    let unsigned = workshop.pack();
    assert_eq!(
        inspect(&unsigned[..], &[]).expect("readable").signature,
        Signed::Unsigned
    );
    let (secret, public) = workshop.key("energy");
    let signed = signed_by(&unsigned, &secret);
    let seen = inspect(&signed[..], std::slice::from_ref(&public)).expect("verified");
    let Signed::Verified { key, comment } = &seen.signature else {
        panic!("{:?}", seen.signature)
    };
    assert_eq!(
        (key, comment.as_str()),
        (
            &public.id().to_string(),
            "limen bundle energy/web 1.2.3 counter 3"
        )
    );
    assert_eq!(
        seen.digest,
        inspect(&unsigned[..], &[]).expect("readable").digest,
        "signing changes no content"
    );
    let files: Vec<(&str, &str)> = seen.architectures[0]
        .files
        .iter()
        .map(|file| (file.path.as_str(), file.mode.as_str()))
        .collect();
    for expected in [
        ("bin/httpd", "120777"),
        ("bin/server", "100755"),
        ("dev", "040755"),
        ("proc", "040755"),
        ("run", "040755"),
        ("tmp", "040755"),
        ("var/lib/web", "040755"),
        ("www/again.html", "100644"),
    ] {
        assert!(files.contains(&expected), "{expected:?} in {files:?}");
    }
    assert!(matches!(
        inspect(&unsigned[..], &[public]),
        Err(BundleError::Signature(_))
    ));
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let (one, other) = (Workshop::new(), Workshop::new());
    // Another order of creation, another time, another owner's bits.
    other.write("tree/www/index.html", b"<p>threshold</p>", 0o600);
    assert!(one.pack() == other.pack());
}

#[test]
fn chunks_are_stored_once_across_files_and_trees() {
    let workshop = Workshop::new();
    let single = workshop.pack();
    workshop.write("tree/lib/copy", &noise(150_000), 0o644);
    let doubled = workshop.pack();
    assert!(
        doubled.len() < single.len() + 500,
        "{} and {}",
        single.len(),
        doubled.len()
    );

    let other = Workshop::new();
    other.write("tree/bin/server", b"#!another program", 0o755);
    let (arm, intel) = (other.path("tree"), workshop.path("tree"));
    let trees: [(Architecture, &Path); 2] = [
        (Architecture::X86_64, &intel),
        (Architecture::Aarch64, &arm),
    ];
    let (packed, both) = pack_trees(MANIFEST, &trees).expect("packed");
    assert_eq!(packed.length, both.len() as u64);
    assert!(
        both.len() < doubled.len() + 3000,
        "{} and {}",
        doubled.len(),
        both.len()
    );
    assert_eq!(
        contents(&both, Architecture::Aarch64)["bin/server"],
        b"#!another program"
    );
    assert_eq!(
        contents(&both, Architecture::X86_64)["bin/server"],
        b"#!program"
    );
    let opened = Sealed::read(&both[..])
        .expect("sealed")
        .open_untrusted()
        .expect("opened");
    assert!(
        opened
            .present()
            .eq([Architecture::Aarch64, Architecture::X86_64])
    );
    let missing = opened
        .has(Architecture::Armv7)
        .expect_err("not packed")
        .to_string();
    assert_eq!(
        missing,
        "bundle holds no tree for armv7, only for aarch64, x86_64; pack it for armv7 too"
    );
}

/// Format 1 byte for byte. If this fails, the format changed, or the compressor did: a changed format needs a
/// new number, a changed compressor only a new file here (the old one must still be read).
#[test]
fn the_golden_file_is_read_and_made_again() {
    let golden = include_bytes!("golden/web-1.2.3.limen");
    let key = include_str!("golden/energy.pub").parse_key();
    let seen = inspect(&golden[..], &[key]).expect("the golden file is valid for ever");
    assert_eq!(seen.digest, include_str!("golden/digest").trim());
    let opened = Sealed::read(&golden[..])
        .expect("sealed")
        .open_untrusted()
        .expect("opened");
    let made = Workshop::golden().pack();
    let again = Sealed::read(&made[..])
        .expect("sealed")
        .open_untrusted()
        .expect("opened");
    assert_eq!(
        digest::of(again.manifest_bytes()),
        opened.digest(),
        "packing gives other bytes than it did"
    );
    assert_eq!(
        contents(golden, Architecture::Aarch64),
        contents(&made, Architecture::Aarch64)
    );
}

trait ParseKey {
    fn parse_key(&self) -> limen_bundle::signature::PublicKey;
}

impl ParseKey for str {
    fn parse_key(&self) -> limen_bundle::signature::PublicKey {
        limen_bundle::signature::PublicKey::parse(self).expect("a key")
    }
}
