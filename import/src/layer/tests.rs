//! Layers against each other, honest and hostile

#![allow(clippy::unwrap_used, reason = "tests")]

use tar::{Builder, EntryType, Header};

use super::*;

/// An archive under construction; unlike the library's own builder it writes any name.
struct Tar(Builder<Vec<u8>>);

impl Tar {
    fn new() -> Self {
        Self(Builder::new(Vec::new()))
    }

    fn entry(mut self, kind: EntryType, name: &[u8], link: &[u8], mode: u32, bytes: &[u8]) -> Self {
        let mut header = Header::new_gnu();
        let old = header.as_old_mut();
        old.name[..name.len()].copy_from_slice(name);
        old.linkname[..link.len()].copy_from_slice(link);
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(bytes.len() as u64);
        header.set_cksum();
        self.0.append(&header, bytes).unwrap();
        self
    }

    fn file(self, name: &str, text: &str) -> Self {
        self.entry(
            EntryType::Regular,
            name.as_bytes(),
            b"",
            0o644,
            text.as_bytes(),
        )
    }

    fn directory(self, name: &str) -> Self {
        self.entry(EntryType::Directory, name.as_bytes(), b"", 0o755, b"")
    }

    fn symlink(self, name: &str, target: &str) -> Self {
        self.entry(
            EntryType::Symlink,
            name.as_bytes(),
            target.as_bytes(),
            0o777,
            b"",
        )
    }

    fn hard(self, name: &str, target: &str) -> Self {
        self.entry(
            EntryType::Link,
            name.as_bytes(),
            target.as_bytes(),
            0o644,
            b"",
        )
    }

    fn finish(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }
}

struct Merged {
    tree: Tree,
    notes: Notes,
}

fn merge(layers: Vec<Tar>) -> Result<Merged, LayerError> {
    merge_as(Kind::Layer, layers)
}

fn merge_as(kind: Kind, layers: Vec<Tar>) -> Result<Merged, LayerError> {
    let mut merged = Merged {
        tree: Tree::new().unwrap(),
        notes: Notes::default(),
    };
    let mut spent = Spent::default();
    for layer in layers {
        apply(
            layer.finish().as_slice(),
            kind,
            &mut merged.tree,
            &mut spent,
            &mut merged.notes,
        )?;
    }
    Ok(merged)
}

fn listing(layers: Vec<Tar>) -> Vec<String> {
    merge(layers).unwrap().tree.listing()
}

fn refusal(layers: Vec<Tar>) -> String {
    merge(layers).map(|_| "accepted").unwrap_err().to_string()
}

#[test]
fn later_entries_replace_earlier_ones_of_any_kind() {
    let lower = || {
        Tar::new()
            .directory("./")
            .directory("etc/")
            .file("etc/a", "1")
            .file("etc/d/x", "x")
    };
    assert_eq!(
        listing(vec![
            lower(),
            Tar::new().file("./etc/a", "2").file("etc/d", "file now")
        ]),
        ["etc/", "etc/a \"2\"", "etc/d \"file now\""]
    );
    assert_eq!(
        listing(vec![
            lower(),
            Tar::new().directory("etc/a").file("etc/a/b", "")
        ]),
        ["etc/", "etc/a/", "etc/a/b \"\"", "etc/d/", "etc/d/x \"x\""]
    );
}

#[test]
fn a_whiteout_takes_away_what_lower_layers_placed() {
    let lower = || {
        Tar::new()
            .file("a/one", "1")
            .file("a/two", "2")
            .file("ab", "kept")
    };
    assert_eq!(
        listing(vec![lower(), Tar::new().file("a/.wh.one", "")]),
        ["a/", "a/two \"2\"", "ab \"kept\""]
    );
    assert_eq!(
        listing(vec![lower(), Tar::new().file(".wh.a", "")]),
        ["ab \"kept\""]
    );
    assert_eq!(
        listing(vec![lower(), Tar::new().file(".wh.nothing", "")]).len(),
        4
    );
}

#[test]
fn a_whiteout_never_takes_away_what_its_own_layer_placed() {
    let lower = || Tar::new().file("a/old", "").file("a/both", "old");
    let before = Tar::new()
        .file("a/.wh.new", "")
        .file("a/new", "")
        .file("a/.wh..wh..opq", "");
    let after = Tar::new().file("a/.wh..wh..opq", "").file("a/new", "");
    for upper in [before, after] {
        assert_eq!(listing(vec![lower(), upper]), ["a/", "a/new \"\""]);
    }
    let kept = Tar::new().file("a/both", "new").file(".wh.a", "");
    assert_eq!(listing(vec![lower(), kept]), ["a/", "a/both \"new\""]);
}

#[test]
fn whiteouts_never_appear_in_the_tree() {
    let odd = Tar::new()
        .file(".wh..wh.plnk", "")
        .file(".wh..wh..opq", "")
        .file(".wh.x", "")
        .file("y", "");
    assert_eq!(listing(vec![odd]), ["y \"\""]);
    // A package has no whiteouts, and a file of that name is a file.
    let package = merge_as(Kind::Package, vec![Tar::new().file(".wh.x", "")]).unwrap();
    assert_eq!(package.tree.listing(), [".wh.x \"\""]);
}

#[test]
fn a_hard_link_is_the_file_that_it_names() {
    let upper = Tar::new().hard("b", "./a").hard("c", "b");
    assert_eq!(
        listing(vec![Tar::new().file("a", "same"), upper]),
        ["a \"same\"", "b \"same\"", "c \"same\""]
    );
}

/// Cases E-10, E-11 and E-12 for what is imported.
#[test]
fn what_leads_out_is_refused() {
    let cases = [
        (Tar::new().file("/etc/passwd", ""), "leads out"),
        (Tar::new().file("a/../../b", ""), "leads out"),
        (Tar::new().hard("a", "/etc/shadow"), "leads out"),
        (Tar::new().hard("a", "../b"), "leads out"),
        (Tar::new().hard("a", "nothing"), "no file of the tree"),
        (
            Tar::new().directory("d").hard("a", "d"),
            "no file of the tree",
        ),
        (
            Tar::new().symlink("d", "/tmp").file("d/x", ""),
            "below d, which is a link",
        ),
        (
            Tar::new().file("d", "").file("d/x", ""),
            "below d, which is a link or a file",
        ),
        (
            Tar::new().entry(EntryType::Char, b"x", b"", 0o666, b""),
            "device",
        ),
        (
            Tar::new().entry(EntryType::Block, b"x", b"", 0o666, b""),
            "device",
        ),
        (
            Tar::new().entry(EntryType::Fifo, b"x", b"", 0o666, b""),
            "pipe",
        ),
        (
            Tar::new().entry(EntryType::Regular, b"a\xff", b"", 0o644, b""),
            "UTF-8",
        ),
        (
            Tar::new().entry(EntryType::Regular, b"a\x01", b"", 0o644, b""),
            "control",
        ),
        (
            Tar::new().entry(EntryType::new(b'9'), b"a", b"", 0o644, b""),
            "form that is not read",
        ),
    ];
    for (layer, expected) in cases {
        let said = refusal(vec![layer]);
        assert!(said.contains(expected), "{said} does not say {expected}");
    }
}

#[test]
fn a_link_of_a_lower_layer_is_not_followed_either() {
    let layers = vec![
        Tar::new().symlink("lib", "usr/lib"),
        Tar::new().file("lib/x", ""),
    ];
    assert!(refusal(layers).contains("below lib"));
}

#[test]
fn rights_that_a_bundle_does_not_have_are_taken_away_and_told() {
    let layer = Tar::new()
        .entry(EntryType::Regular, b"su", b"", 0o4755, b"")
        .entry(EntryType::Regular, b"key", b"", 0o600, b"")
        .file("dev/console", "")
        .entry(EntryType::Char, b"dev/null", b"", 0o666, b"");
    let merged = merge(vec![layer]).unwrap();
    assert_eq!(merged.tree.listing(), ["key \"\"", "su* \"\""]);
    let notes = &merged.notes;
    assert_eq!(
        [
            notes.privileged.count,
            notes.private.count,
            notes.hidden.count
        ],
        [1, 1, 2]
    );
    assert_eq!(notes.hidden.first, "dev/console");
}

#[test]
fn packages_are_moved_into_usr() {
    let package = Tar::new()
        .file("./bin/sh", "")
        .file("./usr/bin/env", "")
        .file("./libexec", "");
    let merged = merge_as(Kind::Package, vec![package]).unwrap();
    let expected = [
        "libexec \"\"",
        "usr/",
        "usr/bin/",
        "usr/bin/env \"\"",
        "usr/bin/sh \"\"",
    ];
    assert_eq!(merged.tree.listing(), expected);
}

/// Case E-14 for what is imported: a size that lies.
#[test]
fn an_archive_that_is_cut_is_refused_at_every_byte_of_its_entries() {
    let whole = Tar::new().file("a", &"x".repeat(700)).finish();
    for end in 1..1212 {
        let mut tree = Tree::new().unwrap();
        let cut = apply(
            &whole[..end],
            Kind::Layer,
            &mut tree,
            &mut Spent::default(),
            &mut Notes::default(),
        );
        assert!(cut.is_err(), "cut at {end}");
    }
}

#[test]
fn what_was_extracted_is_the_tree() {
    let folder = tempfile::tempdir().unwrap();
    let layer = Tar::new().file("a/b", "text").symlink("l", "a/b").entry(
        EntryType::Regular,
        b"x",
        b"",
        0o755,
        b"",
    );
    merge(vec![layer])
        .unwrap()
        .tree
        .extract(folder.path())
        .unwrap();
    let at = |name: &str| folder.path().join(name);
    assert_eq!(std::fs::read_to_string(at("a/b")).unwrap(), "text");
    assert_eq!(
        std::fs::read_link(at("l")).unwrap().to_str().unwrap(),
        "a/b"
    );
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(
        std::fs::metadata(at("x")).unwrap().permissions().mode() & 0o111,
        0o111
    );
}
