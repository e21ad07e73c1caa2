//! Bytes that are not what was written (threat catalogue F-03, F-05)

use std::fs;
use std::path::Path;

use super::*;
use crate::state::{DAMAGED, FILE, PREVIOUS};

/// A generator that a test can print and repeat.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}

fn damage(folder: &Path, file: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let path = folder.join(file);
    let mut bytes = fs::read(&path).unwrap();
    change(&mut bytes);
    fs::write(&path, bytes).unwrap();
}

/// The box comes up with the previous generation, says so, keeps the evidence, and can go on.
fn falls_back(folder: &Path, expected: &Desired, what: &str) {
    let mut opened = open(folder).unwrap();
    assert_eq!(&opened.desired, expected, "{what}");
    assert!(!opened.blind, "{what}");
    assert_eq!(opened.notes.len(), 1, "{what}: {:?}", opened.notes);
    assert!(opened.notes[0].contains("previous generation"), "{what}");
    commit(
        &mut opened.store,
        &mut opened.desired,
        &[Change::Clock(9_999_999_999)],
    );
    let desired = opened.desired.clone();
    drop(opened);
    assert_eq!(good(folder).desired, desired, "{what}");
}

#[test]
fn a_truncated_file_falls_back_to_the_previous_generation() {
    let (template, desired) = written(8);
    let size = fs::read(template.path().join(FILE)).unwrap().len();
    for end in (0..size)
        .step_by(997)
        .chain([1, 99, 100, 511, 512, 4095, 4096, size - 1])
    {
        let folder = copied(template.path());
        damage(folder.path(), FILE, |bytes| bytes.truncate(end));
        falls_back(folder.path(), &desired, &format!("cut at {end}"));
        assert!(folder.path().join(DAMAGED).exists() || end == 0);
    }
}

#[test]
fn a_flipped_bit_is_noticed_or_means_nothing() {
    let seed = 20_251_120;
    let mut random = Random(seed);
    let (template, desired) = written(8);
    let size = fs::read(template.path().join(FILE)).unwrap().len();
    let mut noticed = 0;
    for _ in 0..400 {
        let (byte, bit) = (random.below(size), random.below(8));
        let folder = copied(template.path());
        damage(folder.path(), FILE, |bytes| bytes[byte] ^= 1 << bit);
        let opened = open(folder.path()).unwrap();
        assert_eq!(
            opened.desired, desired,
            "seed {seed}: bit {bit} of byte {byte}"
        );
        noticed += usize::from(!opened.notes.is_empty());
    }
    assert!(noticed > 20, "only {noticed} flips were noticed");
}

#[test]
fn a_changed_value_is_noticed_though_the_file_is_whole() {
    let (folder, desired) = written(8);
    let connection = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
    connection
        .execute(
            "UPDATE vgw SET contract = replace(contract, '67108864', '67108865')",
            [],
        )
        .unwrap();
    drop(connection);
    falls_back(folder.path(), &desired, "a contract of one byte more");
}

#[test]
fn something_else_in_its_place_falls_back() {
    type Put = fn(&Path);
    let puts: [(&str, Put); 5] = [
        ("nothing", |path| fs::remove_file(path).unwrap()),
        ("an empty file", |path| fs::write(path, "").unwrap()),
        ("text", |path| fs::write(path, "hello").unwrap()),
        ("a folder", |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        }),
        ("another program's database", |path| {
            fs::remove_file(path).unwrap();
            let other = rusqlite::Connection::open(path).unwrap();
            other
                .execute_batch("CREATE TABLE a (b); INSERT INTO a VALUES (1)")
                .unwrap();
        }),
    ];
    for (what, put) in puts {
        let (folder, desired) = written(8);
        put(&folder.path().join(FILE));
        falls_back(folder.path(), &desired, what);
    }
}

#[test]
fn both_generations_damaged_is_an_empty_box_that_says_so_and_works() {
    let (folder, _) = written(8);
    for file in [FILE, PREVIOUS] {
        damage(folder.path(), file, |bytes| bytes[..200].fill(0xaa));
    }
    let mut opened = open(folder.path()).unwrap();
    assert_eq!(opened.desired, Desired::default());
    assert!(opened.blind, "what runs is not ended for not being named");
    assert!(
        opened
            .notes
            .iter()
            .any(|note| note.contains("create them again")),
        "{:?}",
        opened.notes
    );
    commit(&mut opened.store, &mut opened.desired, &history()[0]);
    let desired = opened.desired.clone();
    drop(opened);
    assert_eq!(good(folder.path()).desired, desired);
}

#[test]
fn a_newer_version_is_left_alone_and_nothing_is_written() {
    let (folder, _) = written(8);
    let path = folder.path().join(FILE);
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let before = fs::read(&path).unwrap();
    let mut opened = open(folder.path()).unwrap();
    assert!(opened.blind);
    assert_eq!(opened.desired, Desired::default());
    assert!(
        opened.notes[0].contains("boot the newer image"),
        "{:?}",
        opened.notes
    );
    assert!(
        opened
            .store
            .commit(&history()[0], opened.desired.marks)
            .is_err()
    );
    drop(opened);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_folder_that_cannot_be_written_is_read_and_nothing_is_changed() {
    if rustix::process::geteuid().is_root() {
        // Root writes everywhere; the folder's being gone is what is left to try.
        let opened = open(Path::new("/does/not/exist")).unwrap();
        assert!(opened.blind);
        assert!(
            opened.notes[0].contains("check the data disk"),
            "{:?}",
            opened.notes
        );
        return;
    }
    let (folder, desired) = written(8);
    let mut mode = fs::metadata(folder.path()).unwrap().permissions();
    mode.set_readonly(true);
    fs::set_permissions(folder.path(), mode).unwrap();
    let opened = open(folder.path()).unwrap();
    assert_eq!(opened.desired, desired);
}

fn copied(from: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    folder
}
