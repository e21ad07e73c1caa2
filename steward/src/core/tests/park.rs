//! Virtual gateways that are kept parked

use limen_proto::contract::Contract;
use limen_proto::control::Verb as InitVerb;
use limen_proto::manage::{Answer, Verb};
use limen_proto::state::UnitState;

use super::house::*;

fn warm(value: bool) -> Contract {
    Contract {
        warm: value,
        ..contract()
    }
}

fn stop() -> Verb {
    Verb::StopVgw {
        provider: name("energy"),
    }
}

fn start() -> Verb {
    Verb::StartVgw {
        provider: name("energy"),
    }
}

fn limit(contract: Contract) -> Verb {
    Verb::SetContract {
        provider: name("energy"),
        contract,
    }
}

/// energy, stopped.
fn stopped(value: bool) -> House {
    let mut house = House::new();
    house.create("energy", warm(value)).unwrap();
    assert_eq!(house.operator(stop()), Ok(Answer::Done));
    house
}

fn parked(house: &House) -> Vec<Contract> {
    let contract = |verb: &InitVerb| match verb {
        InitVerb::Park { spec, .. } => Some(spec.contract.clone()),
        _ => None,
    };
    house.asked.iter().filter_map(contract).collect()
}

fn state(house: &mut House) -> UnitState {
    house.vgw("energy").unwrap().state
}

#[test]
fn a_warm_vgw_that_is_stopped_is_parked_once_and_starts_from_there() {
    let mut house = stopped(true);
    assert_eq!(state(&mut house), UnitState::Parked);
    assert_eq!(parked(&house), [warm(true)]);
    house.pass(60_000);
    assert_eq!(parked(&house).len(), 1);
    assert_eq!(house.operator(start()), Ok(Answer::Done));
    assert_eq!(state(&mut house), UnitState::Active);
    assert_eq!(house.operator(stop()), Ok(Answer::Done));
    assert_eq!(state(&mut house), UnitState::Parked);
    assert_eq!(
        parked(&house).len(),
        2,
        "what was opened is not parked again"
    );
}

#[test]
fn only_a_warm_contract_parks() {
    let mut house = stopped(false);
    assert_eq!(state(&mut house), UnitState::Idle);
    assert!(parked(&house).is_empty());
    house.operator(limit(warm(true))).unwrap();
    assert_eq!(state(&mut house), UnitState::Parked);
    house.operator(limit(warm(false))).unwrap();
    assert_eq!(state(&mut house), UnitState::Idle);
    assert_eq!(house.operator(start()), Ok(Answer::Done));
    assert_eq!(state(&mut house), UnitState::Active);
}

#[test]
fn another_contract_parks_anew() {
    let mut house = stopped(true);
    let mut other = warm(true);
    other.limits.memory += 4096;
    house.operator(limit(other.clone())).unwrap();
    assert_eq!(parked(&house), [warm(true), other]);
    assert_eq!(state(&mut house), UnitState::Parked);
}

#[test]
fn a_restarted_steward_leaves_it_parked_and_a_rebooted_one_parks_it() {
    let mut house = stopped(true).restart_steward();
    assert_eq!(state(&mut house), UnitState::Parked);
    assert!(parked(&house).is_empty(), "it still stood");
    let mut house = house.cut_power();
    assert_eq!(state(&mut house), UnitState::Parked);
    assert_eq!(parked(&house).len(), 1);
}

#[test]
fn a_removal_ends_what_is_parked() {
    let mut house = stopped(true);
    house
        .operator(Verb::RemoveVgw {
            provider: name("energy"),
            discard_volumes: true,
        })
        .unwrap();
    assert!(!house.units.contains_key(&vgw_unit(1)));
}
