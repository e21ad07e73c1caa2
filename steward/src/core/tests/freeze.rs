//! Virtual gateways that are held where they are

use limen_proto::control::Verb as InitVerb;
use limen_proto::manage::{Answer, Caller, RefusalKind, Verb};
use limen_proto::state::UnitState;

use super::house::*;

fn freeze() -> Verb {
    Verb::FreezeVgw {
        provider: name("energy"),
    }
}

fn thaw() -> Verb {
    Verb::ThawVgw {
        provider: name("energy"),
    }
}

fn with_web() -> House {
    let mut house = House::inhabited();
    house.install("energy", summary("web", 1)).unwrap();
    house
}

#[test]
fn freeze_and_thaw_are_each_done_once() {
    let mut house = with_web();
    house.refused(
        Caller::Operator,
        thaw(),
        RefusalKind::Conflict,
        &["not frozen"],
    );
    assert_eq!(house.operator(freeze()), Ok(Answer::Done));
    let vgw = house.vgw("energy").unwrap();
    assert_eq!((vgw.frozen, vgw.state), (true, UnitState::Active));
    assert!(!house.vgw("alarm").unwrap().frozen);
    house.refused(
        Caller::Operator,
        freeze(),
        RefusalKind::Conflict,
        &["already frozen"],
    );
    let web = house.bundle("energy", "web").unwrap();
    assert_eq!(web.detail, "its virtual gateway is frozen");
    assert_eq!(house.operator(thaw()), Ok(Answer::Done));
    assert!(!house.vgw("energy").unwrap().frozen);
    assert_eq!(house.starts(bundle_unit(1, 0)), 1, "it never ended");
}

#[test]
fn bundles_of_a_frozen_vgw_can_be_looked_at_and_not_touched() {
    let mut house = with_web();
    house.operator(freeze()).unwrap();
    let web = || name("web");
    for verb in [
        Verb::StopBundle { name: web() },
        Verb::RestartBundle { name: web() },
        Verb::UninstallBundle {
            name: web(),
            keep_volumes: true,
        },
        Verb::InstallBundle,
    ] {
        let parts = &["frozen", "operator"];
        house.refused(provider("energy"), verb, RefusalKind::Conflict, parts);
    }
    assert!(house.install("alarm", summary("mqtt", 1)).is_ok());
}

#[test]
fn a_provider_cannot_freeze_its_own_vgw_nor_find_another() {
    let mut house = with_web();
    let energy = provider("energy");
    house.refused(energy, freeze(), RefusalKind::Forbidden, &["operator"]);
    house.refused(
        provider("alarm"),
        freeze(),
        RefusalKind::NotFound,
        &["energy"],
    );
}

#[test]
fn a_new_steward_and_a_power_cut_find_it_frozen_and_start_nothing() {
    let mut house = with_web();
    house.operator(freeze()).unwrap();
    let mut house = house.restart_steward();
    assert!(house.vgw("energy").unwrap().frozen);
    let looks = |verb: &InitVerb| matches!(verb, InitVerb::List | InitVerb::Count { .. });
    assert!(house.asked.iter().all(looks));
    let mut house = house.cut_power();
    assert!(house.vgw("energy").unwrap().frozen, "frozen again");
    assert_eq!(
        house.starts(bundle_unit(1, 0)),
        0,
        "before its first bundle"
    );
    house.operator(thaw()).unwrap();
    assert_eq!(house.starts(bundle_unit(1, 0)), 1);
}

#[test]
fn stop_and_removal_of_a_frozen_vgw_work_and_a_start_is_not_frozen() {
    let mut house = with_web();
    house.operator(freeze()).unwrap();
    let stop = Verb::StopVgw {
        provider: name("energy"),
    };
    assert_eq!(house.operator(stop), Ok(Answer::Done));
    house.refused(
        Caller::Operator,
        freeze(),
        RefusalKind::Conflict,
        &["stopped"],
    );
    let start = Verb::StartVgw {
        provider: name("energy"),
    };
    assert_eq!(house.operator(start), Ok(Answer::Done));
    assert!(!house.vgw("energy").unwrap().frozen);
    assert_eq!(
        house.bundle("energy", "web").unwrap().unit,
        UnitState::Active
    );
    house.operator(freeze()).unwrap();
    let remove = Verb::RemoveVgw {
        provider: name("energy"),
        discard_volumes: true,
    };
    assert_eq!(house.operator(remove), Ok(Answer::Done));
}
