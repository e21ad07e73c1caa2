//! The steward killed, the power cut

use limen_proto::control::Verb as InitVerb;
use limen_proto::manage::Verb;
use limen_proto::state::{Fault, UnitState};

use super::house::*;
use crate::core::desired::Desired;

fn busy() -> House {
    let mut house = House::inhabited();
    house.install("energy", summary("web", 1)).unwrap();
    house.install("energy", summary("meter", 1)).unwrap();
    house.install("alarm", summary("mqtt", 1)).unwrap();
    house
}

#[test]
fn a_restarted_steward_adopts_what_runs_and_restarts_nothing() {
    let mut house = busy().restart_steward();
    house.pass(60_000);
    assert!(
        house
            .asked
            .iter()
            .all(|verb| matches!(verb, InitVerb::List | InitVerb::Count { .. })),
        "{:?}",
        house.asked
    );
    assert_eq!(
        house.bundle("energy", "web").unwrap().unit,
        UnitState::Active
    );
}

#[test]
fn after_a_power_cut_everything_that_was_enabled_comes_back() {
    let mut house = busy();
    house
        .call(
            provider("energy"),
            Verb::StopBundle {
                name: name("meter"),
            },
        )
        .unwrap();
    let mut house = house.cut_power();
    assert_eq!(house.vgw("energy").unwrap().state, UnitState::Active);
    assert_eq!(house.vgw("alarm").unwrap().state, UnitState::Active);
    assert_eq!(
        house.bundle("energy", "web").unwrap().unit,
        UnitState::Active
    );
    assert_eq!(
        house.bundle("alarm", "mqtt").unwrap().unit,
        UnitState::Active
    );
    assert_eq!(
        house.bundle("energy", "meter").unwrap().unit,
        UnitState::Idle
    );
}

#[test]
fn a_bundle_that_gave_up_stays_down_when_the_steward_restarts() {
    let mut house = busy();
    house.change(bundle_unit(1, 0), UnitState::Idle, Fault::UnStartable);
    house.feed(crate::core::turn::Input::Tick);
    let mut house = house.restart_steward();
    house.pass(60_000);
    assert_eq!(house.starts(bundle_unit(1, 0)), 0);
    assert_eq!(
        house.bundle("energy", "web").unwrap().fault,
        Fault::UnStartable
    );
}

#[test]
fn what_nobody_wants_is_ended_unless_the_state_was_lost() {
    let units = busy().units;
    let house = House::with(Desired::default(), units.clone());
    assert!(
        house.units.is_empty(),
        "bundles first, then their virtual gateways: {:?}",
        house.asked
    );
    let mut blind = House::with(Desired::default(), units.clone());
    blind.units = units;
    // The flag itself is set by the shell; its effect is in the plan.
    let plan = crate::core::reconcile::plan(&Desired::default(), &known(&blind), true);
    assert!(plan.is_empty());
    let plan = crate::core::reconcile::plan(&Desired::default(), &known(&blind), false);
    assert!(!plan.is_empty());
}

fn known(house: &House) -> crate::core::units::Units {
    let mut units = crate::core::units::Units::default();
    for report in house.units.values() {
        units.report(*report);
    }
    units
}

#[test]
fn an_interrupted_installation_leaves_no_files() {
    let mut house = busy();
    let wish = summary("late", 1);
    house.upload = Some(wish.clone());
    house.manner = Manner::Good;
    // The power fails when the hand writes: the note of the digest is on the disk.
    let mut desired = house.disk.desired.clone();
    desired.leftovers.insert((slot(1), wish.digest));
    house.disk.desired = desired;
    let house = house.cut_power();
    assert!(house.removed().contains(&wish.digest));
    assert!(house.disk.desired.leftovers.is_empty());
}

#[test]
fn an_interrupted_removal_goes_on() {
    let mut house = busy();
    house.manner = Manner::Dying;
    let verb = Verb::RemoveVgw {
        provider: name("energy"),
        discard_volumes: true,
    };
    assert!(house.operator(verb).is_err());
    let mut house = house.cut_power();
    assert!(house.vgw("energy").is_err());
    assert_eq!(house.starts(vgw_unit(1)), 0);
    assert_eq!(house.starts(vgw_unit(2)), 1);
}

#[test]
fn an_interrupted_uninstall_goes_on() {
    let mut house = busy();
    house.manner = Manner::Dying;
    let verb = Verb::UninstallBundle {
        name: name("web"),
        keep_volumes: false,
    };
    assert!(house.call(provider("energy"), verb).is_err());
    let mut house = house.restart_steward();
    assert!(house.bundle("energy", "web").is_err());
    assert!(house.bundle("energy", "meter").is_ok());
}

#[test]
fn after_a_recovery_files_that_the_state_does_not_name_are_removed() {
    let house = busy();
    let lost = summary("lost", 1).digest;
    let known = summary("web", 1).digest;
    let mut house = House::recovered(house.disk.desired, vec![lost, known]);
    assert_eq!(house.removed(), [lost].into());
    assert_eq!(
        house.bundle("energy", "web").unwrap().unit,
        UnitState::Active
    );
}
