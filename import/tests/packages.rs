//! Debian packages, merged and spoiled

#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use limen_bundle::manifest::Architecture;
use limen_import::debian::Packages;

fn archive(files: &[(&str, &str, u32)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, text, mode) in files {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(text.len() as u64);
        header.set_mode(*mode);
        header.set_cksum();
        builder.append(&header, text.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn package(folder: &Path, name: &str, members: &[(&str, Vec<u8>)]) -> PathBuf {
    let path = folder.join(format!("{name}.deb"));
    let mut builder = ar::Builder::new(std::fs::File::create(&path).unwrap());
    for (name, bytes) in members {
        let header = ar::Header::new(name.as_bytes().to_vec(), bytes.len() as u64);
        builder.append(&header, bytes.as_slice()).unwrap();
    }
    path
}

fn control(name: &str, architecture: &str) -> Vec<u8> {
    let text =
        format!("Package: {name}\nVersion: 1.0\nArchitecture: {architecture}\nDepends: libc6\n");
    gzip(&archive(&[
        ("./control", &text, 0o644),
        ("./postinst", "exit 0", 0o755),
    ]))
}

fn good(folder: &Path, name: &str, files: &[(&str, &str, u32)]) -> PathBuf {
    let data = zstd::encode_all(archive(files).as_slice(), 1).unwrap();
    let members = [
        ("debian-binary", b"2.0\n".to_vec()),
        ("control.tar.gz", control(name, "arm64")),
        ("data.tar.zst", data),
    ];
    package(folder, name, &members)
}

fn read(paths: &[PathBuf]) -> Result<Packages, String> {
    Packages::read(paths, Architecture::Aarch64).map_err(|error| error.to_string())
}

#[test]
fn packages_become_the_tree_of_a_system_with_merged_usr() {
    let folder = tempfile::tempdir().unwrap();
    let shell = good(folder.path(), "sh", &[("./bin/sh", "shell", 0o755)]);
    let library = good(
        folder.path(),
        "libx",
        &[("./usr/lib/x.so", "x", 0o644), ("./lib/y.so", "y", 0o644)],
    );
    let merged = read(&[shell, library]).unwrap();
    let root = folder.path().join("root");
    std::fs::create_dir(&root).unwrap();
    merged.tree.extract(&root).unwrap();
    let text = |name: &str| std::fs::read_to_string(root.join(name)).unwrap();
    assert_eq!(
        [text("bin/sh"), text("lib/x.so"), text("usr/lib/y.so")],
        ["shell", "x", "y"]
    );
    let names: Vec<&str> = merged
        .packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    assert_eq!(names, ["sh", "libx"]);
    assert_eq!(merged.packages[0].depends, "libc6");
    assert_eq!(merged.notes.scripts.count, 2);
    assert_eq!(merged.notes.scripts.first, "postinst of sh.deb");
}

#[test]
fn what_is_no_package_for_this_machine_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let data = || ("data.tar", archive(&[("./a", "", 0o644)]));
    let cases = [
        (
            package(
                folder,
                "amd64",
                &[("control.tar.gz", control("x", "amd64")), data()],
            ),
            "apt-get download x:arm64",
        ),
        (
            package(
                folder,
                "order",
                &[data(), ("control.tar.gz", control("x", "arm64"))],
            ),
            "comes before its control",
        ),
        (
            package(folder, "none", &[("control.tar.gz", control("x", "arm64"))]),
            "has no data.tar",
        ),
        (
            package(
                folder,
                "odd",
                &[("control.tar.gz", gzip(&archive(&[]))), data()],
            ),
            "names no package",
        ),
        (
            good(folder, "out", &[("../etc/passwd", "", 0o644)]),
            "leads out",
        ),
        (
            good(folder, "root", &[("/etc/passwd", "", 0o644)]),
            "leads out",
        ),
    ];
    for (path, expected) in cases {
        let said = read(&[path]).map(drop).unwrap_err();
        assert!(said.contains(expected), "{said} does not say {expected}");
    }
    let text = folder.join("text.deb");
    std::fs::write(&text, "not an archive").unwrap();
    assert!(read(&[text]).is_err());
}

#[test]
fn packages_that_are_cut_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(good(
        folder.path(),
        "whole",
        &[("./a", &"text ".repeat(400), 0o644)],
    ))
    .unwrap();
    let cut = folder.path().join("cut.deb");
    for end in (1..whole.len() - 16).step_by(7) {
        std::fs::write(&cut, &whole[..end]).unwrap();
        assert!(read(std::slice::from_ref(&cut)).is_err(), "cut at {end}");
    }
}
