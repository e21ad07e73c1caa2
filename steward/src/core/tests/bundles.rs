//! Bundles from their upload to their end

use limen_proto::contract::Protocol;
use limen_proto::control::Verb as InitVerb;
use limen_proto::install::Order;
use limen_proto::install::Summary;
use limen_proto::manage::{Answer, Push, RefusalKind, Verb};
use limen_proto::state::{BundleState, Fault, UnitState};

use super::house::*;

#[test]
fn an_installed_bundle_answers_when_it_is_active() {
    let mut house = House::inhabited();
    let bundle = house.install("energy", summary("web", 1)).unwrap();
    assert_eq!(
        (bundle.state, bundle.unit),
        (BundleState::Installed, UnitState::Active)
    );
    assert_eq!((bundle.version.as_str(), bundle.counter), ("1.0.0", 1));
    assert!(house.pushes.iter().any(|push| matches!(
        push,
        Push::Progress {
            done: 1,
            total: 2,
            ..
        }
    )));
    assert!(
        house.disk.desired.leftovers.is_empty(),
        "its files belong to it"
    );
    assert!(house.removed().is_empty());
}

#[test]
fn volumes_are_made_before_the_first_start() {
    let mut house = House::inhabited();
    let mut wish = summary("web", 1);
    wish.volumes = vec![volume("data")];
    house.install("energy", wish).unwrap();
    let orders: Vec<&Order> = house.orders.iter().map(|(_, order)| order).collect();
    let made = orders
        .iter()
        .position(|order| matches!(order, Order::MakeVolumes { .. }))
        .unwrap();
    assert!(matches!(orders[made - 1], Order::Go(Ok(()))));
    assert_ne!(
        house.orders[made].0,
        house.orders[made - 1].0,
        "another hand"
    );
}

#[test]
fn an_update_replaces_the_old_version_and_removes_its_files() {
    let mut house = House::inhabited();
    house.install("energy", summary("web", 1)).unwrap();
    let bundle = house.install("energy", summary("web", 2)).unwrap();
    assert_eq!((bundle.counter, bundle.unit), (2, UnitState::Active));
    assert_eq!(house.starts(bundle_unit(1, 0)), 2);
    assert!(house.removed().contains(&summary("web", 1).digest));
    assert!(!house.removed().contains(&summary("web", 2).digest));
    assert!(house.disk.desired.leftovers.is_empty());
}

#[test]
fn an_update_does_not_start_what_was_stopped() {
    let mut house = House::inhabited();
    house.install("energy", summary("web", 1)).unwrap();
    house
        .call(provider("energy"), Verb::StopBundle { name: name("web") })
        .unwrap();
    let bundle = house.install("energy", summary("web", 2)).unwrap();
    assert_eq!(
        (bundle.counter, bundle.enabled, bundle.unit),
        (2, false, UnitState::Idle)
    );
}

#[test]
fn the_same_bundle_again_is_no_change_and_no_error() {
    let mut house = House::inhabited();
    house.install("energy", summary("web", 1)).unwrap();
    let before = house.disk.desired.clone();
    let bundle = house.install("energy", summary("web", 1)).unwrap();
    assert_eq!(bundle.unit, UnitState::Active);
    assert_eq!(house.disk.desired, before);
    assert_eq!(house.starts(bundle_unit(1, 0)), 1);
}

#[test]
fn counters_never_go_back_not_even_after_an_uninstall() {
    let mut house = House::inhabited();
    house.install("energy", summary("web", 5)).unwrap();
    let mut twin = summary("web", 5);
    twin.digest.0[31] = 1;
    house.upload = Some(twin);
    let install = Verb::InstallBundle;
    house.refused(
        provider("energy"),
        install.clone(),
        RefusalKind::Conflict,
        &["counter 5", "above 5"],
    );
    house.upload = Some(summary("web", 4));
    let parts: &[&str] = &["counter 4", "below 5", "downgrade"];
    house.refused(
        provider("energy"),
        install.clone(),
        RefusalKind::Conflict,
        parts,
    );
    let uninstall = Verb::UninstallBundle {
        name: name("web"),
        keep_volumes: false,
    };
    house.call(provider("energy"), uninstall).unwrap();
    house.refused(provider("energy"), install, RefusalKind::Conflict, parts);
    assert!(
        house.install("energy", summary("web", 5)).is_ok(),
        "the very same may come back"
    );
    assert!(
        house.install("alarm", summary("web", 1)).is_ok(),
        "another provider counts for itself"
    );
}

#[test]
fn a_bundle_that_does_not_fit_the_contract_is_refused_with_its_numbers() {
    type Case = (fn(&mut Summary), RefusalKind, &'static [&'static str]);
    use RefusalKind::{Invalid, NotAdmitted};
    let cases: &[Case] = &[
        (
            |s| s.limits.memory = 57 << 20,
            NotAdmitted,
            &["57 MiB", "56 MiB of the contract's 64 MiB"],
        ),
        (
            |s| s.limits.processes = 56,
            NotAdmitted,
            &["56 processes", "55 of the contract's 64"],
        ),
        (
            |s| s.limits.cpu_percent = 51,
            NotAdmitted,
            &["51 %", "50 %"],
        ),
        (
            |s| s.unpacked = 63 << 20 | 1,
            NotAdmitted,
            &["disk", "63 MiB of the contract's 64 MiB"],
        ),
        (
            |s| s.volumes = vec![volume("a"); 70],
            Invalid,
            &["70 volumes", "at most 4"],
        ),
        (|s| s.entries = 4087, NotAdmitted, &["4087 files", "4086"]),
        (
            |s| s.devices = vec![name("serial-p1")],
            NotAdmitted,
            &["serial-p1", "operator"],
        ),
        (
            |s| s.ports = vec![(name("http"), Protocol::Tcp, 80)],
            NotAdmitted,
            &["port 80", "bundle web"],
        ),
        (
            |s| s.command = vec!["x".repeat(2000)],
            Invalid,
            &["command line", "1024"],
        ),
        (|s| s.counter = u64::MAX, Invalid, &["counter"]),
    ];
    let mut house = House::inhabited();
    let mut web = summary("web", 1);
    web.ports = vec![(name("http"), Protocol::Tcp, 80)];
    house.install("energy", web).unwrap();
    for (change, kind, parts) in cases {
        let mut wish = summary("other", 1);
        change(&mut wish);
        house.upload = Some(wish);
        house.refused(provider("energy"), Verb::InstallBundle, *kind, parts);
        house.pass(60_000);
    }
}

#[test]
fn a_foreign_signature_is_refused_and_changes_nothing() {
    let mut house = House::inhabited();
    house.manner = Manner::Untrusted;
    house.upload = Some(summary("web", 1));
    let kind = RefusalKind::Untrusted;
    house.refused(
        provider("energy"),
        Verb::InstallBundle,
        kind,
        &["not one of yours"],
    );
}

#[test]
fn the_operator_reads_that_something_was_refused_and_not_what() {
    let mut house = House::inhabited();
    let mut secret = summary("secret", 1);
    secret.limits.memory = 1 << 40;
    house.upload = Some(secret);
    house
        .call(provider("energy"), Verb::InstallBundle)
        .unwrap_err();
    let event = house.disk.events.last().unwrap();
    let (text, detail) = event.text.split_once('|').unwrap();
    assert_eq!(text, "refused to install a bundle: NotAdmitted");
    assert!(detail.contains("memory"));
    assert!(
        house.lines.iter().all(|line| !line.contains("memory; ")),
        "{:?}",
        house.lines
    );
}

#[test]
fn stop_and_start_are_each_refused_the_second_time() {
    let mut house = House::inhabited();
    house.install("energy", summary("web", 1)).unwrap();
    let energy = || provider("energy");
    let stop = Verb::StopBundle { name: name("web") };
    let start = Verb::StartBundle { name: name("web") };
    house.refused(
        energy(),
        start.clone(),
        RefusalKind::Conflict,
        &["already started"],
    );
    assert_eq!(house.call(energy(), stop.clone()), Ok(Answer::Done));
    house.refused(energy(), stop, RefusalKind::Conflict, &["already stopped"]);
    let restart = Verb::RestartBundle { name: name("web") };
    house.refused(
        energy(),
        restart.clone(),
        RefusalKind::Conflict,
        &["stopped; start it"],
    );
    assert_eq!(house.call(energy(), start), Ok(Answer::Done));
    assert_eq!(house.call(energy(), restart), Ok(Answer::Done));
    assert_eq!(house.starts(bundle_unit(1, 0)), 3);
}

#[test]
fn a_bundle_that_fails_is_installed_and_says_what_is_wrong() {
    let mut house = House::inhabited();
    house.manner = Manner::Failing;
    let bundle = house.install("energy", summary("web", 1)).unwrap();
    assert_eq!(
        (bundle.state, bundle.fault),
        (BundleState::Installed, Fault::UnStartable)
    );
    assert!(bundle.detail.contains("status 3"));
    let start = Verb::StartBundle { name: name("web") };
    let refusal = house.call(provider("energy"), start).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Failed);
    assert_eq!(house.starts(bundle_unit(1, 0)), 2, "once a request");
}

#[test]
fn kept_volumes_keep_their_place_for_the_next_installation() {
    let mut house = House::inhabited();
    let mut wish = summary("web", 1);
    wish.volumes = vec![volume("data")];
    house.install("energy", wish.clone()).unwrap();
    let uninstall = |keep_volumes| Verb::UninstallBundle {
        name: name("web"),
        keep_volumes,
    };
    house.call(provider("energy"), uninstall(true)).unwrap();
    assert_eq!(
        house.bundle("energy", "web").unwrap().state,
        BundleState::Uninstalled
    );
    assert!(
        !house
            .orders
            .iter()
            .any(|(_, order)| matches!(order, Order::RemoveVolumes { .. }))
    );
    house.refused(
        provider("energy"),
        uninstall(true),
        RefusalKind::Conflict,
        &["already"],
    );
    house.install("energy", summary("other", 1)).unwrap();
    assert_eq!(
        house.starts(bundle_unit(1, 1)),
        1,
        "another bundle does not get the place"
    );
    house.install("energy", wish).unwrap();
    assert_eq!(house.starts(bundle_unit(1, 0)), 2);
    house.call(provider("energy"), uninstall(false)).unwrap();
    assert!(
        house
            .orders
            .iter()
            .any(|(_, order)| matches!(order, Order::RemoveVolumes { .. }))
    );
    assert_eq!(
        house.bundle("energy", "web").unwrap_err().kind,
        RefusalKind::NotFound
    );
    assert!(!house.units.contains_key(&bundle_unit(1, 0)));
}

#[test]
fn volumes_of_an_earlier_version_go_with_the_bundle() {
    let mut house = House::inhabited();
    let mut wish = summary("web", 1);
    wish.volumes = vec![volume("data")];
    house.install("energy", wish).unwrap();
    house.install("energy", summary("web", 2)).unwrap();
    let uninstall = Verb::UninstallBundle {
        name: name("web"),
        keep_volumes: false,
    };
    house.call(provider("energy"), uninstall).unwrap();
    assert!(
        house
            .orders
            .iter()
            .any(|(_, order)| matches!(order, Order::RemoveVolumes { .. }))
    );
}

#[test]
fn a_bundle_of_a_stopped_vgw_is_installed_and_waits() {
    let mut house = House::inhabited();
    house
        .operator(Verb::StopVgw {
            provider: name("energy"),
        })
        .unwrap();
    let bundle = house.install("energy", summary("web", 1)).unwrap();
    assert_eq!(
        (bundle.unit, bundle.fault),
        (UnitState::Idle, Fault::DependencyFailure)
    );
    house
        .operator(Verb::StartVgw {
            provider: name("energy"),
        })
        .unwrap();
    assert_eq!(
        house.bundle("energy", "web").unwrap().unit,
        UnitState::Active
    );
}

#[test]
fn a_bundle_makes_code_only_where_its_contract_lets_it() {
    let mut house = House::inhabited();
    let mut wish = summary("web", 1);
    wish.jit = true;
    house.upload = Some(wish.clone());
    house.refused(
        provider("energy"),
        Verb::InstallBundle,
        RefusalKind::NotAdmitted,
        &["run.jit", "ask the operator"],
    );
    let mut lenient = contract();
    lenient.jit = true;
    let set = |contract| Verb::SetContract {
        provider: name("energy"),
        contract,
    };
    house.operator(set(lenient)).unwrap();
    house.install("energy", wish).unwrap();
    let makes_code = |house: &House| {
        let started = house.asked.iter().rev().find_map(|verb| match verb {
            InitVerb::StartBundle { spec, .. } => Some(spec.jit),
            _ => None,
        });
        started.unwrap()
    };
    assert!(makes_code(&house));
    // Taken back: from the next start on.
    house.operator(set(contract())).unwrap();
    let restart = Verb::RestartBundle { name: name("web") };
    house.call(provider("energy"), restart).unwrap();
    assert!(!makes_code(&house));
}
