//! Case A-15: names that are swapped while a bundle is started again and again
//!
//! One helper turns a volume into a link that leads out of it and back, another a mount point on a
//! volume that the program itself could write to. Each start either finds what it should or is
//! refused; nothing is ever made where the links lead.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use limen_proto::id::{BundleIndex, Slot};
use limen_proto::jail::{Answer, Step};
use limen_proto::spec::Volume;
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::bundle::{run_bundle, spec};
use crate::expect;
use crate::vgw::Vgw;

/// Where the links lead.
const OUTSIDE: &str = "/data/limen/outside";
const SCRIPT: &str =
    "echo mark > /var/lib/data/mark; echo mark > /var/lib/data/inner/mark; echo RAN";

/// How long a name leads out, and how long it does not: so that about half of the starts, which look
/// three times, find nothing wrong.
const AS_LINK: Duration = Duration::from_micros(200);
const AS_FOLDER: Duration = Duration::from_micros(800);

/// So many starts.
pub(crate) fn race(slot: Slot, vgw: &Vgw, starts: u32) {
    let volumes = format!("/data/limen/tenant/{slot}/volumes/web");
    let owner = BundleIndex::new(0).unwrap().outer_id(slot);
    fs::create_dir_all(OUTSIDE).unwrap();
    // What a program could write to if it got there.
    chown(OUTSIDE, Some(owner), Some(owner)).unwrap();
    for folder in ["nested", "data/inner"] {
        let path = format!("{volumes}/{folder}");
        fs::create_dir_all(&path).unwrap();
        chown(&path, Some(owner), Some(owner)).unwrap();
    }
    let pairs = [
        (format!("{volumes}/nested"), format!("{volumes}/link")),
        (
            format!("{volumes}/data/inner"),
            format!("{volumes}/data/link"),
        ),
    ];
    for (_, link) in &pairs {
        symlink(OUTSIDE, link).unwrap();
    }
    let mut racing = spec(slot, SCRIPT);
    let nested = Volume {
        name: "nested".parse().unwrap(),
        path: "/var/lib/data/inner".try_into().unwrap(),
    };
    racing.volumes.push(nested).unwrap();

    let over = AtomicBool::new(false);
    let (mut ran, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        for (folder, link) in &pairs {
            let over = &over;
            scope.spawn(move || {
                for pause in [AS_LINK, AS_FOLDER].into_iter().cycle() {
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    // Both at once: there is always one of that name.
                    renameat_with(CWD, folder, CWD, link, RenameFlags::EXCHANGE).unwrap();
                    std::thread::sleep(pause);
                }
            });
        }
        for number in 0..starts {
            let (text, failed) = run_bundle(slot, vgw, &format!("race {number}"), &racing);
            match failed {
                None if text.contains("RAN") => ran += 1,
                // Landlock's rules are for names too, later than the mounts.
                Some(Answer::Failed {
                    step: Step::Mounts | Step::Landlock,
                    ..
                }) => refused += 1,
                other => expect("a race ends in a start or a refusal", false, &(other, text)),
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    println!("walk: of {starts} races {ran} started, {refused} were refused");
    expect(
        "some races are won and some lost",
        ran > 0 && refused > 0,
        &(),
    );
    let outside: Vec<_> = fs::read_dir(OUTSIDE).unwrap().flatten().collect();
    expect("no link was followed", outside.is_empty(), &outside);
    for (folder, link) in &pairs {
        // Whichever of the two is the link now.
        let one_is = [folder, link].map(|path| fs::remove_file(path).is_ok());
        expect("one is a link", one_is.contains(&true), &one_is);
    }
    let _ = fs::remove_dir_all(OUTSIDE);
}
