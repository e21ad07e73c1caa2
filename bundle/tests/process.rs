//! limen-install as the program that init starts: its descriptors, its uid, exactly its capabilities.
//!
//! Needs the superuser and `setpriv` (util-linux); says so and passes where they are missing.

mod support;

use std::fs::{self, File};
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use limen_channel::{Buffer, Channel};
use limen_proto::id::{BundleIndex, Slot};
use limen_proto::install::{Order, RefusalKind, Report};
use limen_proto::limits::LINK_FRAME;
use support::Workshop;

/// The user and the capabilities of the image's table.
const IDENTITY: &str = "setpriv --reuid 903 --regid 903 --clear-groups --no-new-privs \
    --inh-caps -all,+chown,+dac_override,+fowner --ambient-caps -all,+chown,+dac_override,+fowner \
    --bounding-set -all,+chown,+dac_override,+fowner";

fn possible() -> bool {
    let setpriv = Command::new("setpriv")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok();
    let possible = setpriv && rustix::process::geteuid().is_root();
    if !possible {
        eprintln!("SKIPPED: needs the superuser and setpriv");
    }
    possible
}

/// Starts the program; descriptors 0 and 1 become 4 and 5.
fn start(tenant: &Path, upload: OwnedFd) -> (Child, Channel<LINK_FRAME>) {
    let (ours, theirs) = Channel::pair().expect("a channel");
    let program = env!("CARGO_BIN_EXE_limen-install");
    // The build's directory may be closed to uid 903: the program is started by descriptor 9.
    let script = format!(
        "exec 9<'{program}' 4<&0 5<&1 0</dev/null 1>&2; exec {IDENTITY} /proc/self/fd/9 \"$1\""
    );
    let child = Command::new("sh")
        .args(["-c", &script, "sh"])
        .arg(tenant)
        .stdin(OwnedFd::from(theirs))
        .stdout(upload)
        .spawn()
        .expect("it starts");
    (child, ours)
}

fn next(channel: &Channel<LINK_FRAME>) -> Report {
    let mut buffer = Box::new(Buffer::<LINK_FRAME>::new());
    loop {
        match channel
            .receive(&mut buffer)
            .expect("a frame")
            .expect("no hang-up")
            .0
        {
            Report::Progress { .. } => {}
            other => return other,
        }
    }
}

fn nothing() -> OwnedFd {
    File::open("/dev/null").expect("there").into()
}

fn tenant(workshop: &Workshop) -> std::path::PathBuf {
    let tenant = workshop.path("tenant");
    fs::create_dir(&tenant).expect("made");
    // The box's tree belongs to root and is entered by all.
    for path in [workshop.directory.path(), &tenant] {
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(path, open).expect("a mode");
    }
    tenant
}

#[test]
fn it_installs_makes_and_removes_with_its_three_capabilities() {
    if !possible() {
        return;
    }
    let workshop = Workshop::new();
    let tenant = tenant(&workshop);
    let (secret, key) = workshop.key("energy");
    let host = limen_bundle::install::own_architecture().expect("a known one");
    let tree = workshop.path("tree");
    let (_, unsigned) = support::pack_trees(support::MANIFEST, &[(host, &tree)]).expect("packed");
    let bundle = support::signed_by(&unsigned, &secret);

    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    let (mut child, channel) = start(&tenant, reader.into());
    let order = Order::Install {
        slot: Slot::new(1).expect("a slot"),
        provider: "energy".parse().expect("a name"),
        keys: vec![key.line().to_owned()],
    };
    channel.send(&order, &[]).expect("sent");
    let sender = std::thread::spawn(move || writer.write_all(&bundle));
    let Report::Admit(summary) = next(&channel) else {
        unreachable!("admission is asked for")
    };
    channel.send(&Order::Go(Ok(())), &[]).expect("sent");
    assert_eq!(next(&channel), Report::Done);
    assert!(child.wait().expect("it ends").success());
    sender.join().expect("no panic").expect("all was read");
    let program = tenant
        .join("store")
        .join(summary.digest.to_string())
        .join("root/bin/server");
    assert_eq!(program.metadata().expect("there").uid(), 0);

    let volumes = Order::MakeVolumes {
        slot: Slot::new(1).expect("a slot"),
        bundle: "web".parse().expect("a name"),
        index: BundleIndex::new(2).expect("an index"),
        volumes: vec!["data".parse().expect("a name")],
    };
    for (order, left) in [(volumes, true), (Order::RemoveAll, false)] {
        let (mut child, channel) = start(&tenant, nothing());
        channel.send(&order, &[]).expect("sent");
        assert_eq!(next(&channel), Report::Done, "{order:?}");
        assert!(child.wait().expect("it ends").success());
        let data = tenant.join("volumes/web/data");
        assert_eq!(
            data.metadata().map(|found| found.uid()).ok(),
            // limen-jail gives it to its bundle.
            left.then_some(0)
        );
        if left {
            // As its bundle would: closed to everyone else.
            fs::create_dir_all(data.join("a/b")).expect("made");
            rustix::fs::chown(
                data.join("a"),
                Some(rustix::fs::Uid::from_raw(132_074)),
                None,
            )
            .expect("owned");
        }
    }
}

#[test]
fn it_says_what_is_wrong_and_fails() {
    if !possible() {
        return;
    }
    let workshop = Workshop::new();
    let tenant = tenant(&workshop);
    let (mut child, channel) = start(&tenant, nothing());
    let order = Order::Install {
        slot: Slot::new(1).expect("a slot"),
        provider: "energy".parse().expect("a name"),
        keys: Vec::new(),
    };
    channel.send(&order, &[]).expect("sent");
    let Report::Refused(refusal) = next(&channel) else {
        unreachable!("nothing was sent")
    };
    assert_eq!(refusal.kind, RefusalKind::Incomplete);
    assert_eq!(child.wait().expect("it ends").code(), Some(1));
}

#[test]
fn killed_at_any_byte_it_leaves_the_old_state_or_the_new_one() {
    if !possible() {
        return;
    }
    let workshop = Workshop::new();
    let tenant = tenant(&workshop);
    let (secret, key) = workshop.key("energy");
    let host = limen_bundle::install::own_architecture().expect("a known one");
    let tree = workshop.path("tree");
    let (packed, unsigned) =
        support::pack_trees(support::MANIFEST, &[(host, &tree)]).expect("packed");
    let bundle = support::signed_by(&unsigned, &secret);
    let order = Order::Install {
        slot: Slot::new(1).expect("a slot"),
        provider: "energy".parse().expect("a name"),
        keys: vec![key.line().to_owned()],
    };
    for part in 0..=16 {
        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        let (mut child, channel) = start(&tenant, reader.into());
        channel.send(&order, &[]).expect("sent");
        // Less than a pipe holds: without a go it reads no further than the manifest.
        let length = bundle.len().min(60_000) * part / 16;
        writer.write_all(&bundle[..length]).expect("it fits");
        // Whatever it is doing now, if it still does.
        child.kill().expect("ours");
        child.wait().expect("it ends");
        let (mut child, channel) = start(&tenant, nothing());
        channel.send(&Order::List, &[]).expect("sent");
        let Report::Holdings { bundles, .. } = next(&channel) else {
            unreachable!("a list was asked for")
        };
        assert!(child.wait().expect("it ends").success());
        assert!(bundles.is_empty(), "nobody said go");
        assert_eq!(
            fs::read_dir(tenant.join("staging")).expect("there").count(),
            0
        );
    }
    for moment in 0..12 {
        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        let (mut child, channel) = start(&tenant, reader.into());
        channel.send(&order, &[]).expect("sent");
        let whole = bundle.clone();
        let sender = std::thread::spawn(move || writer.write_all(&whole).is_ok());
        assert!(matches!(next(&channel), Report::Admit(_)));
        channel.send(&Order::Go(Ok(())), &[]).expect("sent");
        std::thread::sleep(std::time::Duration::from_micros(moment * 700));
        child.kill().expect("ours");
        child.wait().expect("it ends");
        sender.join().expect("no panic");
        let (mut child, channel) = start(&tenant, nothing());
        channel.send(&Order::List, &[]).expect("sent");
        let Report::Holdings { bundles, .. } = next(&channel) else {
            unreachable!("a list was asked for")
        };
        assert!(child.wait().expect("it ends").success());
        assert_eq!(
            fs::read_dir(tenant.join("staging")).expect("there").count(),
            0
        );
        assert_eq!(
            fs::read_dir(tenant.join("store")).expect("there").count(),
            bundles.len()
        );
        if let [installed] = bundles[..] {
            assert_eq!(installed, packed.digest);
            let root = tenant
                .join("store")
                .join(installed.to_string())
                .join("root");
            assert_eq!(
                fs::read(root.join("lib/noise")).expect("there"),
                support::noise(150_000)
            );
            let (mut child, channel) = start(&tenant, nothing());
            channel
                .send(&Order::Remove { digest: installed }, &[])
                .expect("sent");
            assert_eq!(next(&channel), Report::Done);
            assert!(child.wait().expect("it ends").success());
        }
    }
}
