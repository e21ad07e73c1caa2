//! What bundles and limen-install have and use of the disk

use limen_proto::account::Counters;
use limen_proto::contract::Contract;
use limen_proto::control::{UnitReport, Verb as InitVerb};
use limen_proto::id::{Generation, UnitId, UnitRef};
use limen_proto::jail::{Found, Stored};
use limen_proto::manage::{About, Answer, RefusalKind, Verb};
use limen_proto::posture::{Compared, Posture};
use limen_proto::spec::Storage;
use limen_proto::state::UnitState;

use super::house::{House, contract, name, provider, slot, summary, vgw_unit, volume};
use crate::core::turn::Input;

/// `web` with a volume of a MiB, of energy's 64 and 4096 files.
fn with_volume() -> House {
    let mut house = House::inhabited();
    let mut web = summary("web", 1);
    web.volumes = vec![volume("data")];
    house.install("energy", web).unwrap();
    house
}

fn found(house: &mut House, stored: Stored) {
    let mut found = Found::default();
    found.volumes[0] = stored;
    let life = house.units[&vgw_unit(1)].unit;
    house.feed(Input::Counted(life, found));
}

fn denials(house: &mut House) -> String {
    let verb = Verb::ExplainBundle {
        name: name("web"),
        about: About::Refused,
    };
    match house.call(provider("energy"), verb) {
        Ok(Answer::Denials(denials)) => format!("{denials:?}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_bundle_is_started_with_the_sum_of_its_volumes_and_as_large_a_part_of_the_files() {
    let mut house = with_volume();
    let started = house.asked.iter().rev().find_map(|verb| match verb {
        InitVerb::StartBundle { spec, .. } => Some(spec.storage),
        _ => None,
    });
    let share = Storage {
        bytes: 1 << 20,
        inodes: 64,
    };
    assert_eq!(started, Some(share));
    assert_eq!(house.bundle("energy", "web").unwrap().storage, share);
    let larger = Contract {
        inodes: 8192,
        ..contract()
    };
    let verb = Verb::SetContract {
        provider: name("energy"),
        contract: larger,
    };
    house.operator(verb).unwrap();
    let adjusted = house.asked.iter().rev().find_map(|verb| match verb {
        InitVerb::Adjust { shares, .. } => Some(shares[0].storage.inodes),
        _ => None,
    });
    assert_eq!(adjusted, Some(128));
}

#[test]
fn what_volumes_hold_is_shown_and_explained_when_it_is_all_that_they_may() {
    let mut house = with_volume();
    let some = Stored {
        bytes: 8192,
        inodes: 2,
    };
    found(&mut house, some);
    assert_eq!(house.bundle("energy", "web").unwrap().stored, some);
    assert!(!denials(&mut house).contains("volumes full"));
    found(
        &mut house,
        Stored {
            bytes: (1 << 20) - 4000,
            inodes: 2,
        },
    );
    let said = denials(&mut house);
    assert!(said.contains("volumes full"), "{said}");
    assert!(said.contains("[[volumes]] data in the manifest"), "{said}");
    found(
        &mut house,
        Stored {
            bytes: 8192,
            inodes: 64,
        },
    );
    assert!(denials(&mut house).contains("64 of 64 files"));
}

#[test]
fn what_a_place_held_is_not_shown_to_whoever_has_it_next() {
    let mut house = with_volume();
    let some = Stored {
        bytes: 8192,
        inodes: 2,
    };
    found(&mut house, some);
    let uninstall = Verb::UninstallBundle {
        name: name("web"),
        keep_volumes: false,
    };
    house.call(provider("energy"), uninstall).unwrap();
    house.install("energy", summary("next", 1)).unwrap();
    let next = house.bundle("energy", "next").unwrap();
    assert_eq!(next.stored, Stored::default());
    // The same of the place of a virtual gateway, also when the answer comes late.
    let mut all = Found {
        disk: some,
        ..Found::default()
    };
    all.volumes[0] = some;
    let life = house.units[&vgw_unit(1)].unit;
    house.feed(Input::Counted(life, all));
    assert_eq!(house.vgw("energy").unwrap().usage.disk, some.bytes);
    let remove = Verb::RemoveVgw {
        provider: name("energy"),
        discard_volumes: true,
    };
    house.operator(remove).unwrap();
    house.feed(Input::Counted(life, all));
    house.create("energy", contract()).unwrap();
    house.install("energy", summary("other", 1)).unwrap();
    assert_eq!(house.vgw("energy").unwrap().usage.disk, 0);
    let other = house.bundle("energy", "other").unwrap();
    assert_eq!(other.stored, Stored::default());
}

#[test]
fn files_of_volumes_are_set_aside() {
    let mut house = with_volume();
    let mut large = summary("large", 1);
    large.entries = 4096 - 10 - 64 + 1;
    let refused = house.install("energy", large.clone()).unwrap_err();
    assert_eq!(refused.kind, RefusalKind::NotAdmitted);
    assert!(
        refused.message.contains("besides 64 for volumes"),
        "{refused:?}"
    );
    large.counter += 1;
    large.entries -= 1;
    house.install("energy", large).unwrap();
}

#[test]
fn a_run_of_limen_install_is_counted_once_beside_the_virtual_gateway() {
    let mut house = House::inhabited();
    let run = |state, cpu_us| UnitReport {
        unit: UnitRef {
            unit: UnitId::Hand(slot(1), 200),
            generation: Generation(9000),
        },
        state,
        posture: Posture {
            compared: Compared::Exact,
            ..Posture::default()
        },
        spent: Counters {
            cpu_us,
            memory_peak: 4096,
            disk_written: 10,
            ..Counters::default()
        },
        ..house.units[&vgw_unit(1)]
    };
    let (active, idle) = (run(UnitState::Active, 5), run(UnitState::Idle, 7));
    for report in [active, idle, idle] {
        house.feed(Input::Reported(report));
    }
    let energy = house.vgw("energy").unwrap();
    assert_eq!(energy.install.total, idle.spent);
    assert_eq!(energy.install_posture, idle.posture);
    assert_eq!(energy.account.total.cpu_us, 0);
    assert_eq!(
        house.vgw("alarm").unwrap().install.total,
        Counters::default()
    );
    // Whoever has the place next has had no such run.
    let remove = Verb::RemoveVgw {
        provider: name("energy"),
        discard_volumes: true,
    };
    house.operator(remove).unwrap();
    house.feed(Input::Reported(active));
    house.create("energy", contract()).unwrap();
    let next = house.vgw("energy").unwrap();
    assert_eq!(next.slot, energy.slot);
    assert_eq!(next.install_posture, Posture::default());
    assert_eq!(next.install.total, Counters::default());
}

#[test]
fn a_bundle_without_volumes_has_no_files() {
    let mut house = House::inhabited();
    house.install("energy", summary("web", 1)).unwrap();
    let shown = house.bundle("energy", "web").unwrap();
    assert_eq!(shown.storage, Storage::default());
    assert!(!denials(&mut house).contains("no volume"));
    // What a sibling let it make.
    found(
        &mut house,
        Stored {
            bytes: 0,
            inodes: 1,
        },
    );
    assert!(denials(&mut house).contains("no volume"));
}
