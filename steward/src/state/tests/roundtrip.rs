//! Memory and file agree, commit by commit

use super::*;
use crate::state::{FILE, PREVIOUS, StateError};

#[test]
fn after_every_commit_the_file_holds_what_memory_holds() {
    let folder = tempfile::tempdir().unwrap();
    let mut desired = good(folder.path()).desired;
    assert_eq!(desired, Desired::default());
    for changes in history() {
        let mut opened = good(folder.path());
        assert_eq!(opened.desired, desired);
        commit(&mut opened.store, &mut desired, &changes);
    }
    assert_eq!(good(folder.path()).desired, desired);
}

#[test]
fn a_second_steward_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = good(folder.path());
    commit(&mut first.store, &mut first.desired, &history()[0]);
    assert!(matches!(open(folder.path()), Err(StateError::Held)));
    drop(first);
    good(folder.path());
}

#[test]
fn a_commit_that_breaks_a_rule_writes_nothing() {
    let (folder, desired) = written(3);
    let mut opened = good(folder.path());
    // A bundle of a virtual gateway that does not exist.
    let changes = [Change::Clock(77), Change::Bundle(bundle(9, 0, "web"))];
    assert!(opened.store.commit(&changes, opened.desired.marks).is_err());
    drop(opened);
    assert_eq!(good(folder.path()).desired, desired);
}

#[test]
fn the_operator_reads_events_without_a_providers_details() {
    let (folder, _) = written(5);
    let opened = good(folder.path());
    let texts = |provider: Option<&str>, after| -> Vec<(u64, String)> {
        let provider = provider.map(name);
        let events = opened.store.events(provider.as_ref(), after, 100).unwrap();
        events
            .into_iter()
            .map(|event| (event.number, event.text))
            .collect()
    };
    let told = |number: u64, text: &str| (number, text.to_owned());
    assert_eq!(
        texts(None, 0),
        [
            told(1, "provisioned: detail"),
            told(2, "created"),
            told(3, "installed"),
            told(4, "installed again"),
        ]
    );
    assert_eq!(
        texts(Some("energy"), 0),
        [told(2, "created: detail"), told(3, "installed: detail")]
    );
    assert_eq!(texts(Some("energy"), 2), [told(3, "installed: detail")]);
    assert_eq!(texts(Some("nobody"), 0), []);
}

#[test]
fn the_trail_is_bounded_and_its_numbers_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut opened = good(folder.path());
    let event = history()[0].last().unwrap().clone();
    let many = vec![event; 5_100];
    commit(&mut opened.store, &mut opened.desired, &many);
    commit(&mut opened.store, &mut opened.desired, &many);
    let events = opened.store.events(None, 0, 1).unwrap();
    assert_eq!(events[0].number, 201);
    assert_eq!(opened.store.events(None, 10_199, 10).unwrap().len(), 1);
}

#[test]
fn a_generation_does_not_grow_with_the_trail() {
    let folder = tempfile::tempdir().unwrap();
    let mut opened = good(folder.path());
    let event = history()[0].last().unwrap().clone();
    for _ in 0..4 {
        commit(
            &mut opened.store,
            &mut opened.desired,
            &vec![event.clone(); 2_500],
        );
    }
    commit(&mut opened.store, &mut opened.desired, &history()[0]);
    opened.store.keep_generation().unwrap();
    let size = |name| std::fs::metadata(folder.path().join(name)).unwrap().len();
    assert!(
        size(PREVIOUS) < size(FILE) / 4,
        "{} {}",
        size(PREVIOUS),
        size(FILE)
    );
}

#[test]
fn the_private_key_is_for_the_steward_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    // As the program does it; here it is shared with tests that do not mind.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    good(folder.path()).store.keep_generation().unwrap();
    for file in [FILE, PREVIOUS] {
        let mode = std::fs::metadata(folder.path().join(file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{file}");
    }
}

/// What runs is not kept waiting for the disk: a generation that is missing or another one is made
/// good later, and one that is there is not made again.
#[test]
fn opening_a_good_file_writes_nothing() {
    let (folder, _) = super::written(3);
    let read = |name: &str| std::fs::read(folder.path().join(name)).ok();
    let (before, kept) = (read(FILE), read(PREVIOUS));
    let mut opened = good(folder.path());
    assert!(opened.store.is_unkept());
    assert_eq!((read(FILE), read(PREVIOUS)), (before, kept.clone()));
    opened.store.keep_generation().unwrap();
    assert!(!opened.store.is_unkept());
    let after = read(PREVIOUS);
    assert!(after.is_some());
    drop(opened);
    std::fs::remove_file(folder.path().join(PREVIOUS)).unwrap();
    let mut opened = good(folder.path());
    opened.store.keep_generation().unwrap();
    assert_eq!(
        read(PREVIOUS).map(|file| file.len()),
        after.map(|file| file.len())
    );
    let inode = |name: &str| {
        use std::os::unix::fs::MetadataExt as _;
        std::fs::metadata(folder.path().join(name)).unwrap().ino()
    };
    let before = inode(PREVIOUS);
    opened.store.keep_generation().unwrap();
    assert_eq!(inode(PREVIOUS), before, "it was there");
}
