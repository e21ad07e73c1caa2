//! limen-install from the steward's side: what it leaves in the tree and what it says.

#[path = "support/steward.rs"]
mod steward;
mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use limen_bundle::manifest::Architecture;
use limen_proto::id::{BundleIndex, Digest, Slot};
use limen_proto::install::{Order, RefusalKind, Report};
use limen_proto::name::Name;
use steward::{Steward, carried_out, install, install_order};
use support::{MANIFEST, Workshop, noise, pack_trees, signed_by};

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

/// Every path below `directory`, relative to it.
fn listing(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut pending = vec![directory.to_owned()];
    while let Some(next) = pending.pop() {
        for entry in fs::read_dir(next).expect("readable") {
            let path = entry.expect("an entry").path();
            found.push(
                path.strip_prefix(directory)
                    .expect("below")
                    .display()
                    .to_string(),
            );
            if path.symlink_metadata().expect("there").is_dir() {
                pending.push(path);
            }
        }
    }
    found.sort();
    found
}

const EMPTY: [&str; 3] = ["staging", "store", "volumes"];

#[test]
fn a_signed_bundle_lands_complete_in_the_store() {
    let workshop = Workshop::new();
    let (bundle, key) = workshop.signed();
    let tenant = workshop.path("tenant");
    let (summary, report) = install(&tenant, &bundle, &[key]);
    let summary = summary.expect("asked");
    assert_eq!(report, Report::Done);
    assert_eq!(
        (
            summary.name.as_str(),
            summary.version.as_str(),
            summary.counter
        ),
        ("web", "1.2.3", 3)
    );
    assert_eq!(
        (
            summary.limits.memory,
            summary.limits.processes,
            summary.limits.cpu_percent
        ),
        (16 << 20, 16, 50)
    );
    assert_eq!(summary.environment, ["TZ=UTC"]);
    assert_eq!(
        (summary.ready_within_ms, summary.restart.maximum_wait_ms),
        (10_000, 30_000)
    );
    assert_eq!(summary.unpacked, 150_000 + 9 + 32);

    let home = tenant.join("store").join(summary.digest.to_string());
    let root = home.join("root");
    assert_eq!(
        fs::read(root.join("lib/noise")).expect("there"),
        noise(150_000)
    );
    assert_eq!(
        fs::read(root.join("www/again.html")).expect("there"),
        b"<p>threshold</p>"
    );
    assert_eq!(fs::read(root.join("www/empty")).expect("there"), b"");
    assert_eq!(
        fs::read_link(root.join("srv")).expect("there"),
        Path::new("/www")
    );
    let mode = |path: &str| {
        root.join(path)
            .metadata()
            .expect("there")
            .permissions()
            .mode()
            & 0o7777
    };
    assert_eq!(
        [
            mode("bin/server"),
            mode("www/again.html"),
            mode("var/lib/web")
        ],
        [0o755, 0o644, 0o755]
    );
    if rustix::process::geteuid().is_root() {
        for path in [
            &home,
            &root,
            &root.join("bin/server"),
            &root.join("srv"),
            &home.join("index"),
        ] {
            let found = path.symlink_metadata().expect("there");
            assert_eq!((found.uid(), found.gid()), (0, 0), "{}", path.display());
        }
    }
    let kept = fs::read(home.join("manifest.toml")).expect("there");
    assert_eq!(limen_bundle::digest::of(&kept), summary.digest);
    assert!(home.join("manifest.minisig").exists() && home.join("index").exists());
    assert!(listing(&tenant.join("staging")).is_empty());
}

#[test]
fn installing_twice_and_removing_twice_is_the_same_as_once() {
    let workshop = Workshop::new();
    let (bundle, key) = workshop.signed();
    let tenant = workshop.path("tenant");
    let (summary, _) = install(&tenant, &bundle, std::slice::from_ref(&key));
    let digest = summary.expect("asked").digest;
    let before = listing(&tenant);
    assert_eq!(install(&tenant, &bundle, &[key]).1, Report::Done);
    assert_eq!(listing(&tenant), before);
    for _ in 0..2 {
        assert_eq!(
            carried_out(&tenant, &Order::Remove { digest }),
            Report::Done
        );
        assert_eq!(listing(&tenant), EMPTY);
    }
}

/// Offers `bundle` and expects a refusal that leaves nothing.
fn refused(
    workshop: &Workshop,
    bundle: &[u8],
    key: &limen_bundle::signature::PublicKey,
) -> (RefusalKind, String) {
    let tenant = workshop.path("tenant");
    let (_, report) = install(&tenant, bundle, std::slice::from_ref(key));
    let Report::Refused(refusal) = report else {
        unreachable!("{report:?}")
    };
    assert_eq!(listing(&tenant), EMPTY);
    (refusal.kind, refusal.message)
}

#[test]
fn whatever_is_wrong_leaves_only_a_message_that_says_what_to_do() {
    let workshop = Workshop::new();
    let (secret, key) = workshop.key("energy");
    let (stranger, _) = workshop.key("stranger");
    let unsigned = workshop.pack();
    let bundle = signed_by(&unsigned, &secret);

    let mut flipped = bundle.clone();
    let last = flipped.len() - 1;
    flipped[last] ^= 1;
    let foreign_name = workshop
        .pack_as(&MANIFEST.replace("\"energy\"", "\"alarm\""))
        .expect("packed")
        .1;
    let intel: PathBuf = workshop.path("tree");
    let other_machine = pack_trees(MANIFEST, &[(Architecture::X86_64, &intel)])
        .expect("packed")
        .1;

    for (bundle, kind, words) in [
        (
            unsigned.clone(),
            RefusalKind::Untrusted,
            "is not signed; sign it",
        ),
        (
            signed_by(&unsigned, &stranger),
            RefusalKind::Untrusted,
            "none of this provider's keys",
        ),
        (
            bundle[..bundle.len() - 1].to_vec(),
            RefusalKind::Incomplete,
            "send it again",
        ),
        (
            bundle[..bundle.len() / 2].to_vec(),
            RefusalKind::Incomplete,
            "send it again",
        ),
        (
            bundle[..400].to_vec(),
            RefusalKind::Incomplete,
            "send it again",
        ),
        (
            Vec::new(),
            RefusalKind::Incomplete,
            "ends inside its envelope",
        ),
        (flipped, RefusalKind::Corrupt, "damaged on its way"),
        (
            [&bundle[..], b"more"].concat(),
            RefusalKind::Corrupt,
            "behind its end",
        ),
        (
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
            RefusalKind::Corrupt,
            "not a bundle",
        ),
        (
            signed_by(&foreign_name, &secret),
            RefusalKind::Invalid,
            "names provider alarm, this is energy",
        ),
        (
            signed_by(&other_machine, &secret),
            RefusalKind::Invalid,
            "no tree for aarch64, only for x86_64",
        ),
    ] {
        let refusal = refused(&workshop, &bundle, &key);
        assert!(
            refusal.0 == kind && refusal.1.contains(words),
            "{words}: {refusal:?}"
        );
    }
    assert_eq!(
        install(&workshop.path("tenant"), &bundle, &[key]).1,
        Report::Done,
        "positive control"
    );
}

#[test]
fn the_stewards_no_is_final_and_comes_before_anything_is_written() {
    let workshop = Workshop::new();
    let (bundle, key) = workshop.signed();
    let tenant = workshop.path("tenant");
    let steward = Steward::start(&tenant, Some(bundle));
    steward.order(&install_order(&[key]));
    assert!(matches!(steward.outcome(), Report::Admit(_)));
    assert_eq!(listing(&tenant), EMPTY);
    steward.order(&Order::Go(Err("counter 3 is below 4; raise it".to_owned())));
    let Report::Refused(refusal) = steward.outcome() else {
        panic!("refused")
    };
    assert_eq!(
        (refusal.kind, refusal.message.as_str()),
        (RefusalKind::NotAdmitted, "counter 3 is below 4; raise it")
    );
    steward.end().expect_err("not carried out");
    assert_eq!(listing(&tenant), EMPTY);
}

#[test]
fn a_steward_that_hangs_up_leaves_nothing_behind() {
    let workshop = Workshop::new();
    let (bundle, key) = workshop.signed();
    let tenant = workshop.path("tenant");
    let steward = Steward::start(&tenant, Some(bundle));
    steward.order(&install_order(&[key]));
    assert!(matches!(steward.outcome(), Report::Admit(_)));
    steward.end().expect_err("hung up");
    assert_eq!(listing(&tenant), EMPTY);
}

#[test]
fn what_a_power_cut_left_in_staging_is_swept_away_and_told() {
    let workshop = Workshop::new();
    let (bundle, key) = workshop.signed();
    let tenant = workshop.path("tenant");
    let (summary, _) = install(&tenant, &bundle, &[key]);
    let digest = summary.expect("asked").digest;
    workshop.write("tenant/staging/half/root/bin/server", b"half", 0o755);
    fs::create_dir_all(tenant.join("volumes/gone/data")).expect("made");
    let holdings = carried_out(&tenant, &Order::List);
    let expected = Report::Holdings {
        bundles: vec![digest],
        volumes: vec![(name("gone"), vec![name("data")])],
    };
    assert_eq!(holdings, expected);
    assert!(listing(&tenant.join("staging")).is_empty());
}

#[test]
fn volumes_belong_to_their_bundle_and_survive_until_removed() {
    let workshop = Workshop::new();
    let tenant = workshop.path("tenant");
    let make = |index: u16| Order::MakeVolumes {
        slot: Slot::new(1).expect("a slot"),
        bundle: name("web"),
        index: BundleIndex::new(index).expect("an index"),
        volumes: vec![name("data"), name("cache")],
    };
    assert_eq!(carried_out(&tenant, &make(0)), Report::Done);
    let data = tenant.join("volumes/web/data");
    assert_eq!(
        data.metadata().expect("there").permissions().mode() & 0o7777,
        0o700
    );
    if rustix::process::geteuid().is_root() {
        // New, it is nobody's but the superuser's, also when it is asked for once more.
        assert_eq!(carried_out(&tenant, &make(3)), Report::Done);
        assert_eq!(data.metadata().expect("there").uid(), 0);
        // As limen-jail gives it to the bundle.
        let owner = Some(2 * 65_536 + 1000);
        std::os::unix::fs::chown(&data, owner, owner).expect("given");
    }
    workshop.write("tenant/volumes/web/data/deep/er/file", b"kept", 0o600);
    symlink("/etc/passwd", data.join("deep/link")).expect("a link");
    let passwd = fs::metadata("/etc/passwd").expect("there").uid();
    // Back in another place: everything inside changes hands, what links point at does not.
    assert_eq!(carried_out(&tenant, &make(5)), Report::Done);
    assert_eq!(fs::read(data.join("deep/er/file")).expect("there"), b"kept");
    if rustix::process::geteuid().is_root() {
        for path in [".", "deep", "deep/er", "deep/er/file", "deep/link"] {
            assert_eq!(
                data.join(path).symlink_metadata().expect("there").uid(),
                2 * 65_536 + 1005,
                "{path}"
            );
        }
    }
    assert_eq!(fs::metadata("/etc/passwd").expect("there").uid(), passwd);
    assert_eq!(
        carried_out(
            &tenant,
            &Order::RemoveVolumes {
                bundle: name("web")
            }
        ),
        Report::Done
    );
    assert_eq!(
        carried_out(
            &tenant,
            &Order::RemoveVolumes {
                bundle: name("web")
            }
        ),
        Report::Done
    );
    assert_eq!(listing(&tenant), EMPTY);
}

#[test]
fn removal_copes_with_hostile_content_and_follows_nothing() {
    use std::os::unix::ffi::OsStrExt;
    let workshop = Workshop::new();
    let tenant = workshop.path("tenant");
    workshop.write("outside/file", b"precious", 0o644);
    workshop.write("tenant/volumes/web/data/file", b"x", 0o644);
    let data = tenant.join("volumes/web/data");
    symlink(workshop.path("outside"), data.join("out")).expect("a link");
    symlink("loop", data.join("loop")).expect("a link");
    fs::create_dir(data.join(std::ffi::OsStr::from_bytes(b"\xff\n"))).expect("made");
    fs::write(data.join("moved-1"), b"").expect("made");
    for n in 0..3000 {
        fs::write(data.join(format!("f{n}")), b"").expect("made");
    }
    // Deeper than any path can name: each directory is made beneath the last by descriptor.
    let mut here: std::os::fd::OwnedFd = fs::File::open(&data).expect("there").into();
    for _ in 0..3000 {
        use rustix::fs::{Mode, OFlags, mkdirat, openat};
        mkdirat(&here, "d", Mode::from_raw_mode(0o700)).expect("made");
        here = openat(&here, "d", OFlags::DIRECTORY, Mode::empty()).expect("there");
    }
    drop(here);
    symlink(workshop.path("outside"), tenant.join("store").join("x")).unwrap_or_else(|_| {
        fs::create_dir_all(tenant.join("store")).expect("made");
        symlink(workshop.path("outside"), tenant.join("store").join("x")).expect("a link");
    });
    assert_eq!(carried_out(&tenant, &Order::RemoveAll), Report::Done);
    assert_eq!(listing(&tenant), EMPTY);
    assert_eq!(
        fs::read(workshop.path("outside/file")).expect("there"),
        b"precious"
    );
}

#[test]
fn a_tree_whose_parts_are_links_is_refused() {
    let workshop = Workshop::new();
    let (bundle, key) = workshop.signed();
    let tenant = workshop.path("tenant");
    fs::create_dir_all(workshop.path("outside")).expect("made");
    fs::create_dir_all(&tenant).expect("made");
    symlink(workshop.path("outside"), tenant.join("staging")).expect("a link");
    let (_, report) = install(&tenant, &bundle, &[key]);
    assert!(matches!(report, Report::Refused(refusal) if refusal.kind == RefusalKind::Kernel));
    assert!(listing(&workshop.path("outside")).is_empty());
}

#[test]
fn orders_out_of_turn_are_refused() {
    let workshop = Workshop::new();
    let tenant = workshop.path("tenant");
    for order in [Order::Go(Ok(())), install_order(&[])] {
        let steward = Steward::start(&tenant, None);
        steward.order(&order);
        assert!(matches!(steward.outcome(), Report::Refused(_)), "{order:?}");
        steward.end().expect_err("refused");
    }
    assert_eq!(
        carried_out(
            &tenant,
            &Order::Remove {
                digest: Digest([0; 32])
            }
        ),
        Report::Done
    );
}

#[test]
fn a_second_order_at_the_same_time_is_refused_and_harms_nothing() {
    let workshop = Workshop::new();
    let (bundle, key) = workshop.signed();
    let tenant = workshop.path("tenant");
    let first = Steward::start(&tenant, Some(bundle.clone()));
    first.order(&install_order(std::slice::from_ref(&key)));
    assert!(matches!(first.outcome(), Report::Admit(_)));
    let (_, second) = install(&tenant, &bundle, &[key]);
    assert!(
        matches!(&second, Report::Refused(refusal) if refusal.message.contains("try again")),
        "{second:?}"
    );
    first.order(&Order::Go(Ok(())));
    assert_eq!(first.outcome(), Report::Done);
    first.end().expect("carried out");
}

#[test]
fn a_full_disk_is_told_before_content_arrives_and_leaves_nothing() {
    let workshop = Workshop::new();
    let (bundle, key) = workshop.signed();
    let tenant = workshop.path("tenant");
    fs::create_dir(&tenant).expect("made");
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k", "limen-test"])
        .arg(&tenant)
        .status()
        .is_ok_and(|status| status.success());
    if !mounted {
        eprintln!("SKIPPED: a small file system cannot be mounted here (needs the superuser)");
        return;
    }
    // Everything up to the indexes: the answer may not wait for a single chunk.
    let opened = limen_bundle::reader::Sealed::read(&bundle[..]).expect("sealed");
    let tree = opened.verify(std::slice::from_ref(&key)).expect("trusted");
    let index = tree.manifest().architectures[&Architecture::Aarch64].index_size as usize;
    let head = bundle.len() - chunk_bytes(&bundle, index);
    let (_, report) = install(&tenant, &bundle[..head], &[key]);
    let left = listing(&tenant);
    let unmounted = std::process::Command::new("umount").arg(&tenant).status();
    assert!(unmounted.is_ok_and(|status| status.success()));
    let Report::Refused(refusal) = report else {
        unreachable!("{report:?}")
    };
    assert_eq!(refusal.kind, RefusalKind::Full, "{}", refusal.message);
    assert!(refusal.message.contains("ask the operator for more"));
    assert_eq!(left, EMPTY);
}

/// Bytes behind the one index of `bundle`.
fn chunk_bytes(bundle: &[u8], index: usize) -> usize {
    use limen_bundle::envelope::{Envelope, LENGTH};
    let envelope = bundle[..LENGTH].try_into().map(Envelope::decode);
    let envelope = envelope.expect("twenty bytes").expect("an envelope");
    bundle.len() - LENGTH - (envelope.manifest + envelope.signature) as usize - index
}
