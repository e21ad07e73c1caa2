use super::*;
use crate::digest;
use crate::manifest::Manifest;

/// An entry in binary form, right or wrong.
fn raw(kind: u8, mode: u16, path: &[u8], tail: &[u8]) -> Vec<u8> {
    let length = u16::try_from(path.len()).expect("short").to_le_bytes();
    [&[kind][..], &mode.to_le_bytes(), &length, path, tail].concat()
}

fn directory(path: &str) -> Vec<u8> {
    raw(kind::DIRECTORY, 0o755, path.as_bytes(), b"")
}

fn file(path: &str, size: u64, chunks: &[u32]) -> Vec<u8> {
    let numbers: Vec<u8> = chunks
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect();
    raw(
        kind::REGULAR,
        0o644,
        path.as_bytes(),
        &[&size.to_le_bytes()[..], &numbers].concat(),
    )
}

fn symlink(path: &str, target: &str) -> Vec<u8> {
    let length = u16::try_from(target.len()).expect("short").to_le_bytes();
    raw(
        kind::SYMLINK,
        0o777,
        path.as_bytes(),
        &[&length[..], target.as_bytes()].concat(),
    )
}

fn index(chunks: &[(u8, u32, u32)], entries: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(u32::try_from(chunks.len()).expect("few").to_le_bytes());
    bytes.extend(u32::try_from(entries.len()).expect("few").to_le_bytes());
    for (name, stored, size) in chunks {
        bytes.extend(digest::of(&[*name]).0);
        bytes.extend(stored.to_le_bytes());
        bytes.extend(size.to_le_bytes());
    }
    bytes.extend(entries.concat());
    bytes
}

fn refused(chunks: &[(u8, u32, u32)], entries: &[Vec<u8>]) -> IndexError {
    Index::decode(&index(chunks, entries)).expect_err("refused")
}

#[test]
fn a_tree_round_trips() {
    let bytes = index(
        &[(1, 30, 65_536), (2, 20, 10)],
        &[
            directory("a"),
            file("a/big", 65_546, &[0, 1]),
            file("a/empty", 0, &[]),
            symlink("a/link", "big"),
            file("b", 10, &[1]),
        ],
    );
    let decoded = Index::decode(&bytes).expect("valid");
    assert_eq!((decoded.unpacked(), decoded.chunks().len()), (65_556, 2));
    assert!(decoded.get("a/empty").is_some() && decoded.get("a/e").is_none());
    assert_eq!(decoded.encode(), bytes);
}

#[test]
fn every_shorter_and_longer_form_is_refused() {
    let bytes = index(
        &[(1, 30, 5)],
        &[directory("a"), file("a/b", 5, &[0]), symlink("c", "a")],
    );
    for length in 0..bytes.len() {
        assert!(Index::decode(&bytes[..length]).is_err(), "{length}");
    }
    assert_eq!(
        Index::decode(&[&bytes[..], b"\0"].concat()),
        Err(IndexError::Length)
    );
}

#[test]
fn counts_that_lie_cost_nothing() {
    for (chunks, entries) in [
        (65_537_u32, 0_u32),
        (u32::MAX, 0),
        (0, 65_537),
        (0, u32::MAX),
        (65_536, 0),
        (0, 65_536),
    ] {
        let bytes = [&MAGIC[..], &chunks.to_le_bytes(), &entries.to_le_bytes()].concat();
        assert!(matches!(
            Index::decode(&bytes),
            Err(IndexError::Many { .. } | IndexError::Length)
        ));
    }
    for size in [u64::MAX, 1 << 63, 1 << 40, (1 << 32) + 1, 1 << 31] {
        assert!(matches!(
            refused(&[], &[file("a", size, &[])]),
            IndexError::Length
        ));
    }
}

#[test]
fn order_twins_and_parents_are_checked() {
    assert!(matches!(
        refused(&[], &[file("b", 0, &[]), file("a", 0, &[])]),
        IndexError::Order(_)
    ));
    assert!(matches!(
        refused(&[], &[file("a", 0, &[]), file("a", 0, &[])]),
        IndexError::Order(_)
    ));
    assert!(matches!(
        refused(&[], &[file("a/b", 0, &[])]),
        IndexError::Parent(_)
    ));
    assert!(matches!(
        refused(&[], &[file("a", 0, &[]), file("a/b", 0, &[])]),
        IndexError::Parent(_)
    ));
    // The classic: a link, then a file through it.
    assert!(matches!(
        refused(&[], &[symlink("a", "etc"), file("a/b", 0, &[])]),
        IndexError::Parent(_)
    ));
    // Twins that differ in case are two names.
    assert!(Index::decode(&index(&[], &[directory("E"), directory("e")])).is_ok());
}

#[test]
fn names_and_links_keep_their_rules_here_too() {
    for path in [
        &b"../a"[..],
        b"/a",
        b"",
        b".",
        b"a\0b",
        b"\xff",
        b"a//b",
        b"a/",
        &[b'x'; 4096],
    ] {
        let error = refused(&[], &[raw(kind::DIRECTORY, 0o755, path, b"")]);
        assert!(
            matches!(error, IndexError::Path(_)) || path.is_empty(),
            "{path:?}: {error}"
        );
    }
    assert!(matches!(
        refused(&[], &[directory("dev"), file("dev/null", 0, &[])]),
        IndexError::Path(_)
    ));
    assert!(matches!(
        refused(&[], &[symlink("proc", "x")]),
        IndexError::Path(_)
    ));
    assert!(matches!(
        refused(&[], &[symlink("a", "../etc")]),
        IndexError::Link(_)
    ));
    assert!(matches!(
        refused(&[], &[symlink("a", "b"), symlink("b", "a")]),
        IndexError::Link(_)
    ));
    assert!(matches!(
        refused(&[], &[symlink("a", "")]),
        IndexError::Link(_)
    ));
}

#[test]
fn kinds_and_modes_are_the_five_pairs() {
    let tail = 0_u64.to_le_bytes();
    assert!(Index::decode(&index(&[], &[raw(kind::REGULAR, 0o755, b"a", &tail)])).is_ok());
    for mode in [0o4755, 0o2755, 0o1755, 0o777, 0o666, 0o600, 0, 0o100_644] {
        assert!(
            matches!(
                refused(&[], &[raw(kind::REGULAR, mode, b"a", &tail)]),
                IndexError::Kind { .. }
            ),
            "{mode:o}"
        );
        assert!(
            matches!(
                refused(&[], &[raw(kind::DIRECTORY, mode, b"a", b"")]),
                IndexError::Kind { .. }
            ),
            "{mode:o}"
        );
    }
    for kind in [0, 4, 5, 6, 7, 255] {
        assert!(
            matches!(
                refused(&[], &[raw(kind, 0o644, b"a", &tail)]),
                IndexError::Kind { .. }
            ),
            "{kind}"
        );
    }
}

#[test]
fn chunks_make_up_their_files_and_nothing_else() {
    let piece = (1, 30, 5);
    for (chunks, entries) in [
        // Too short, too long, missing, beyond the table.
        (vec![piece], vec![file("a", 6, &[0])]),
        (vec![piece], vec![file("a", 4, &[0])]),
        (vec![], vec![file("a", 5, &[0])]),
        (vec![piece], vec![file("a", 5, &[1])]),
        // Only the last piece may be short.
        (
            vec![piece, (2, 30, 65_536)],
            vec![file("a", 65_541, &[0, 1])],
        ),
        // Unused, twice, out of order, impossible.
        (vec![piece], vec![directory("a")]),
        (
            vec![piece, piece],
            vec![file("a", 5, &[0]), file("b", 5, &[1])],
        ),
        (
            vec![piece, (2, 30, 5)],
            vec![file("a", 5, &[1]), file("b", 5, &[0])],
        ),
        (vec![(1, 0, 5)], vec![file("a", 5, &[0])]),
        (vec![(1, 70_000, 5)], vec![file("a", 5, &[0])]),
        (vec![(1, 30, 65_537)], vec![file("a", 65_537, &[0, 0])]),
    ] {
        let error = refused(&chunks, &entries);
        assert!(
            matches!(error, IndexError::Pieces(_) | IndexError::Chunk(_)),
            "{entries:?}: {error}"
        );
    }
}

#[test]
fn a_tree_that_its_manifest_does_not_describe_is_refused() {
    let text = include_str!("../../tests/golden/manifest.toml");
    let manifest = Manifest::parse(text.as_bytes()).expect("valid");
    let tree = manifest.architectures.values().next().expect("one");
    let places = [
        "bin",
        "dev",
        "proc",
        "run",
        "tmp",
        "var",
        "var/lib",
        "var/lib/web",
    ];
    let program = raw(kind::REGULAR, 0o755, b"bin/server", &0_u64.to_le_bytes());
    let with = |left_out: &str, program: Vec<u8>| {
        let mut entries: Vec<Vec<u8>> = places
            .iter()
            .filter(|place| **place != left_out)
            .map(|place| directory(place))
            .collect();
        entries.insert(1, program);
        Index::decode(&index(&[], &entries)).expect("valid")
    };
    let whole = with("", program.clone());
    assert_eq!(whole.carries(&manifest), Ok(()));
    assert!(matches!(
        whole.suits(&manifest, tree),
        Err(SuitError::Declared {
            what: "entries",
            ..
        })
    ));
    for place in ["dev", "proc", "run", "tmp", "var/lib/web"] {
        assert!(
            matches!(
                with(place, program.clone()).carries(&manifest),
                Err(SuitError::Mountpoint(_))
            ),
            "{place}"
        );
    }
    for wrong in [
        file("bin/server", 0, &[]),
        directory("bin/server"),
        symlink("bin/server", "/nowhere"),
    ] {
        assert!(matches!(
            with("", wrong).carries(&manifest),
            Err(SuitError::Program(_))
        ));
    }
}

#[test]
fn a_bomb_of_one_chunk_in_many_places_stops_at_the_absolute_limit() {
    let whole = (1, 40, 65_536);
    let size = (limits::UNPACKED_BYTES) + 65_536;
    let numbers = vec![0; usize::try_from(pieces(size)).expect("few")];
    let places = ["dev", "proc", "run", "tmp", "var", "var/lib", "var/lib/web"];
    let mut entries: Vec<Vec<u8>> = places.iter().map(|place| directory(place)).collect();
    entries.insert(0, file("bomb", size, &numbers));
    let bomb = Index::decode(&index(&[whole], &entries)).expect("well formed");
    let text = include_str!("../../tests/golden/manifest.toml");
    let manifest = Manifest::parse(text.as_bytes()).expect("valid");
    assert_eq!(bomb.carries(&manifest), Err(SuitError::Size(size)));
}

/// Random changes of a valid index: refused, or read as what encodes to the very same bytes.
#[test]
fn an_index_that_is_read_is_the_one_spelling_of_its_tree() {
    let valid = index(
        &[(1, 30, 65_536), (2, 20, 10)],
        &[
            directory("a"),
            file("a/big", 65_546, &[0, 1]),
            symlink("a/link", "big"),
            file("b", 10, &[1]),
        ],
    );
    let seed = std::env::var("LIMEN_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(1_u64);
    eprintln!("LIMEN_SEED={seed}");
    let mut state = seed;
    let mut next = move |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("31 bits") % below
    };
    let mut read = 0;
    for _ in 0..100_000 {
        let mut bytes = valid.clone();
        for _ in 0..=next(3) {
            let at = next(bytes.len());
            match next(4) {
                0 => drop(bytes.remove(at)),
                1 => bytes.insert(at, bytes[at]),
                _ => bytes[at] = u8::try_from(next(256)).expect("a byte"),
            }
        }
        if let Ok(index) = Index::decode(&bytes) {
            assert_eq!(index.encode(), bytes);
            read += 1;
        }
    }
    assert!(
        read > 0,
        "positive control: some changes give another valid tree"
    );
}
