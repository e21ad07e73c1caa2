//! A small bundle and what is needed to make and break it.

#![allow(dead_code, reason = "each test program uses a part")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use limen_bundle::manifest::Architecture;
use limen_bundle::pack::{PackError, Packed, pack};
use limen_bundle::sign::{SecretKey, keygen, sign};
use limen_bundle::signature::PublicKey;
use tempfile::TempDir;

/// A manifest with one of everything.
pub(crate) const MANIFEST: &str = r#"format = 1
name = "web"
version = "1.2.3"
provider = "energy"
counter = 3
description = "a page"

[run]
command = ["/bin/server", "-p", "8080"]
environment = { TZ = "UTC" }
readiness = "notify"
ready-within-seconds = 10
stop-within-seconds = 2

[restart]
maximum-wait-seconds = 30

[limits]
memory = "16MiB"
processes = 16
temporary = "4MiB"
cpu-percent = 50

[[volumes]]
name = "data"
path = "/var/lib/web"
size = "8MiB"

[[devices]]
class = "serial-p1"

[[ports]]
protocol = "tcp"
inside = 8080
name = "web"

[[exports]]
interface = "energy.meter"
version = "1.0"
to = ["alarm"]

[[imports]]
interface = "core.log"
version = "1.0"
"#;

/// A directory that is removed in the end.
pub(crate) struct Workshop {
    pub(crate) directory: TempDir,
}

/// In memory where that is possible: installing waits for its disk, and here everybody shares it.
fn directory() -> TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("a directory")
}

/// Bytes that do not compress, the same in every run (xorshift, seed 1).
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

impl Workshop {
    /// A workshop with the tree `tree`: a program, a page twice, an empty file, a link, three chunks of noise.
    pub(crate) fn new() -> Self {
        let workshop = Self {
            directory: directory(),
        };
        let tree = workshop.path("tree");
        workshop.write("tree/bin/server", b"#!program", 0o755);
        workshop.write("tree/www/index.html", b"<p>threshold</p>", 0o644);
        workshop.write("tree/www/again.html", b"<p>threshold</p>", 0o640);
        workshop.write("tree/www/empty", b"", 0o644);
        workshop.write("tree/lib/noise", &noise(150_000), 0o644);
        symlink("server", tree.join("bin/httpd")).expect("a link");
        symlink("/www", tree.join("srv")).expect("a link");
        workshop
    }

    /// Another tree, of few bytes with two chunks: what the golden file holds.
    pub(crate) fn golden() -> Self {
        let workshop = Self::new();
        workshop.write("tree/lib/noise", &[7; 70_000], 0o644);
        workshop
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8], mode: u32) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("below the workshop")).expect("directories");
        fs::write(&path, bytes).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
    }

    pub(crate) fn pack(&self) -> Vec<u8> {
        self.pack_as(MANIFEST).expect("it packs").1
    }

    pub(crate) fn pack_as(&self, manifest: &str) -> Result<(Packed, Vec<u8>), PackError> {
        pack_trees(manifest, &[(Architecture::Aarch64, &self.path("tree"))])
    }

    pub(crate) fn key(&self, name: &str) -> (SecretKey, PublicKey) {
        let path = self.path(name);
        let public = keygen(&path, None).expect("a key");
        (SecretKey::load(&path, None).expect("the same key"), public)
    }

    /// A signed bundle and the key that proves it.
    pub(crate) fn signed(&self) -> (Vec<u8>, PublicKey) {
        let (secret, public) = self.key("energy");
        (signed_by(&self.pack(), &secret), public)
    }
}

pub(crate) fn pack_trees(
    manifest: &str,
    trees: &[(Architecture, &Path)],
) -> Result<(Packed, Vec<u8>), PackError> {
    let trees: BTreeMap<Architecture, &Path> = trees.iter().copied().collect();
    let mut bundle = Vec::new();
    let packed = pack(manifest.as_bytes(), &trees, &mut bundle)?;
    Ok((packed, bundle))
}

pub(crate) fn signed_by(bundle: &[u8], secret: &SecretKey) -> Vec<u8> {
    let mut signed = Vec::new();
    sign(bundle, &mut signed, secret).expect("it signs");
    signed
}
