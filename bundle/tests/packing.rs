//! What cannot be packed, and what the author is told.

mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use limen_bundle::inspect::inspect;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use support::{MANIFEST, Workshop};

fn refused(workshop: &Workshop) -> String {
    let error = workshop.pack_as(MANIFEST).map(drop).expect_err("refused");
    let path = workshop.path("tree");
    error
        .to_string()
        .replace(&path.display().to_string(), "TREE")
}

#[test]
fn special_files_are_refused_with_a_remedy() {
    let workshop = Workshop::new();
    let place = workshop.path("tree/special");
    mknodat(CWD, &place, FileType::Fifo, Mode::from_raw_mode(0o644), 0).expect("a pipe");
    assert!(refused(&workshop).starts_with("TREE/special: a pipe or socket cannot be packed"));
    fs::remove_file(&place).expect("removed");
    if mknodat(
        CWD,
        &place,
        FileType::CharacterDevice,
        Mode::from_raw_mode(0o644),
        rustix::fs::makedev(1, 3),
    )
    .is_ok()
    {
        assert!(refused(&workshop).starts_with("TREE/special: a device cannot be packed"));
        fs::remove_file(&place).expect("removed");
    }
    let socket = std::os::unix::net::UnixListener::bind(&place).expect("a socket");
    assert!(refused(&workshop).contains("a pipe or socket"));
    drop(socket);
    fs::remove_file(&place).expect("removed");
    workshop.pack();
}

#[test]
fn setuid_setgid_and_sticky_files_are_refused() {
    for mode in [0o4755, 0o2755, 0o1755] {
        let workshop = Workshop::new();
        workshop.write("tree/bin/su", b"#!", mode);
        assert!(
            refused(&workshop).starts_with("TREE/bin/su: setuid, setgid and sticky are refused"),
            "{mode:o}"
        );
    }
}

#[test]
fn file_capabilities_are_refused() {
    let workshop = Workshop::new();
    let value = [
        0x00, 0x00, 0x00, 0x02, 0x00, 0x04, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];
    let set = rustix::fs::setxattr(
        workshop.path("tree/bin/server"),
        "security.capability",
        &value,
        rustix::fs::XattrFlags::empty(),
    );
    if set.is_ok() {
        assert!(refused(&workshop).contains("take them away with setcap -r"));
    } else {
        eprintln!("SKIPPED: file capabilities cannot be set here (needs the superuser)");
    }
}

#[test]
fn directories_lose_their_odd_bits() {
    let workshop = Workshop::new();
    fs::create_dir(workshop.path("tree/tmp")).expect("made");
    fs::set_permissions(
        workshop.path("tree/tmp"),
        fs::Permissions::from_mode(0o1777),
    )
    .expect("a mode");
    let seen = inspect(&workshop.pack()[..], &[]).expect("readable");
    let tmp = seen.architectures[0]
        .files
        .iter()
        .find(|file| file.path == "tmp")
        .expect("there");
    assert_eq!(tmp.mode, "040755");
}

#[test]
fn links_out_and_in_circles_are_refused() {
    for (link, target, expected) in [
        ("tree/out", "../../etc/passwd", "leads out of the bundle"),
        ("tree/bin/out", "/../etc", "leads out of the bundle"),
        ("tree/circle", "circle", "leads in a circle"),
        ("tree/proc", "/etc", "is taken by the gateway"),
        ("tree/tmp", "/var", "is taken by the gateway"),
        ("tree/var", "/www", "is not a directory of the bundle"),
    ] {
        let workshop = Workshop::new();
        symlink(target, workshop.path(link)).expect("a link");
        let error = refused(&workshop);
        let error = format!("{error}: {}", source(&workshop));
        assert!(error.contains(expected), "{link}: {error}");
    }
}

fn source(workshop: &Workshop) -> String {
    let error = workshop.pack_as(MANIFEST).map(drop).expect_err("refused");
    std::error::Error::source(&error)
        .map(ToString::to_string)
        .unwrap_or_default()
}

#[test]
fn a_command_that_is_not_in_the_tree_is_found_out_at_once() {
    let workshop = Workshop::new();
    let missing = workshop
        .pack_as(&MANIFEST.replace("/bin/server", "/bin/serve"))
        .map(drop)
        .expect_err("refused")
        .to_string();
    assert!(
        missing.contains("no executable file at /bin/serve"),
        "{missing}"
    );
    let plain = workshop
        .pack_as(&MANIFEST.replace("/bin/server", "/www/index.html"))
        .map(drop)
        .expect_err("refused")
        .to_string();
    assert!(
        plain.contains("no executable file at /www/index.html"),
        "{plain}"
    );
    workshop
        .pack_as(&MANIFEST.replace("/bin/server", "/bin/httpd"))
        .expect("through a link");
}

#[test]
fn names_that_no_bundle_can_hold_are_refused() {
    use std::os::unix::ffi::OsStrExt;
    for name in [&b"a\nb"[..], b"\xff"] {
        let workshop = Workshop::new();
        fs::write(
            workshop
                .path("tree")
                .join(std::ffi::OsStr::from_bytes(name)),
            b"",
        )
        .expect("made");
        assert!(refused(&workshop).contains("a name that no bundle can hold"));
    }
    let workshop = Workshop::new();
    let deep = workshop.path("tree").join(["d"; 70].join("/"));
    fs::create_dir_all(deep).expect("made");
    assert!(refused(&workshop).contains("64 levels"));
}

#[test]
fn a_sparse_giant_is_refused_before_it_is_read_whole() {
    let workshop = Workshop::new();
    let giant = fs::File::create(workshop.path("tree/giant")).expect("made");
    giant.set_len(1 << 40).expect("sparse");
    assert!(refused(&workshop).starts_with("TREE/giant: is larger than 4 GiB"));
}
