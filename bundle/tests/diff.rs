//! What is said of two versions of a bundle

mod support;

use std::io::Cursor;

use limen_bundle::diff::{Difference, Direction, Side};
use support::{MANIFEST, Workshop};

fn compare(old: &str, new: impl Fn(&Workshop) -> String) -> Difference {
    let workshop = Workshop::new();
    let before = workshop.pack_as(old).expect("packed");
    let manifest = new(&workshop);
    let after = workshop.pack_as(&manifest).expect("packed");
    let side = |(_, bytes)| Side::read(Cursor::<Vec<u8>>::new(bytes)).expect("a bundle");
    side(before).compare(&side(after))
}

fn directions(difference: &Difference) -> Vec<(&str, Direction)> {
    difference
        .authority
        .iter()
        .map(|change| (change.key.as_str(), change.direction))
        .collect()
}

#[test]
fn the_same_bundle_has_no_difference() {
    let difference = compare(MANIFEST, |_| MANIFEST.to_owned());
    assert!(difference.authority.is_empty() && difference.trees.is_empty());
    assert!(!difference.rollback);
}

#[test]
fn what_is_asked_for_is_more_less_or_other() {
    let old = MANIFEST.replace("[limits]", "[limits]\nmemory-high = \"1MiB\"");
    let difference = compare(&old, |_| {
        let more = MANIFEST.replace("processes = 16", "processes = 17");
        assert_ne!(more, MANIFEST, "the manifest of the tests has 16 processes");
        format!("{more}\n[[devices]]\nclass = \"camera\"\n")
    });
    let expected = [
        ("devices.camera", Direction::More),
        ("limits.memory-high", Direction::More),
        ("limits.processes", Direction::More),
    ];
    assert_eq!(directions(&difference), expected);
    let back = compare(
        &format!("{MANIFEST}\n[[devices]]\nclass = \"camera\"\n"),
        |_| MANIFEST.to_owned(),
    );
    assert_eq!(directions(&back), [("devices.camera", Direction::Less)]);
}

#[test]
fn files_are_compared_by_what_they_hold_and_only_new_chunks_count() {
    let difference = compare(MANIFEST, |workshop| {
        workshop.write("tree/new", b"new", 0o644);
        workshop.write("tree/www/index.html", b"changed", 0o644);
        MANIFEST.to_owned()
    });
    let [tree] = &difference.trees[..] else {
        panic!("{difference:?}");
    };
    assert_eq!(
        (&*tree.added, &*tree.changed, tree.removed.len()),
        (
            &["new".to_owned()][..],
            &["www/index.html".to_owned()][..],
            0
        )
    );
    assert!(
        tree.new_bytes > 0 && tree.new_bytes < tree.stored_bytes,
        "{tree:?}"
    );
}

#[test]
fn a_lower_counter_is_told() {
    let higher = MANIFEST.replace("counter = ", "counter = 1");
    assert!(compare(&higher, |_| MANIFEST.to_owned()).rollback);
    assert!(!compare(MANIFEST, |_| higher.clone()).rollback);
}
