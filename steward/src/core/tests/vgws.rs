//! Virtual gateways from their creation to their end

use limen_proto::contract::Contract;
use limen_proto::control::Verb as InitVerb;
use limen_proto::install::Order;
use limen_proto::manage::{Answer, Changed, Push, RefusalKind, Verb};
use limen_proto::state::{Fault, UnitState};

use super::house::*;
use crate::core::desired::Change;
use crate::core::turn::Input;

#[test]
fn a_created_vgw_is_emptied_first_and_answers_when_it_is_active() {
    let mut house = House::new();
    let vgw = house.create("energy", contract()).unwrap();
    assert_eq!(
        (vgw.slot, vgw.state, vgw.enabled),
        (1, UnitState::Active, true)
    );
    assert_eq!(vgw.address, [100, 96, 0, 2]);
    assert!(matches!(house.orders[0].1, Order::RemoveAll));
    assert!(house.pushes.contains(&Push::TrustChanged));
    assert_eq!(house.create("alarm", contract()).unwrap().slot, 2);
}

#[test]
fn the_operators_own_provider_has_slot_0() {
    let mut house = House::new();
    assert_eq!(house.create("core", contract()).unwrap().slot, 0);
}

#[test]
fn what_cannot_be_created_is_refused_and_changes_nothing() {
    let mut house = House::inhabited();
    let wish = |provider: &str, authority: &str, keys: &[&str]| Verb::CreateVgw {
        provider: name(provider),
        contract: contract(),
        authority: authority.to_owned(),
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
    };
    let operator = limen_proto::manage::Caller::Operator;
    let cases: &[(Verb, RefusalKind, &[&str])] = &[
        (
            wish("energy", ALARM_CA, &[KEY]),
            RefusalKind::Conflict,
            &["already", "remove"],
        ),
        (
            wish("third", ENERGY_CA, &[KEY]),
            RefusalKind::Conflict,
            &["provider energy"],
        ),
        (
            wish("third", "no PEM", &[KEY]),
            RefusalKind::Invalid,
            &["certificate"],
        ),
        (
            wish(
                "third",
                "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
                &[KEY],
            ),
            RefusalKind::Invalid,
            &["private key"],
        ),
        (
            wish("third", &format!("{ENERGY_CA}{ALARM_CA}"), &[KEY]),
            RefusalKind::Invalid,
            &["more than one"],
        ),
    ];
    for (verb, kind, parts) in cases {
        house.refused(operator.clone(), verb.clone(), *kind, parts);
    }
    house
        .steward
        .handle(house.now, &mut house.disk, Input::Tick);
    let mut empty = House::new();
    for (keys, part) in [
        (&[][..], "needs a signing key"),
        (&["nonsense"][..], "minisign"),
    ] {
        let verb = wish("energy", ENERGY_CA, keys);
        empty.refused(operator.clone(), verb, RefusalKind::Invalid, &[part]);
    }
    assert!(
        empty
            .asked
            .iter()
            .all(|verb| matches!(verb, InitVerb::List))
    );
}

#[test]
fn stop_and_start_are_each_refused_the_second_time() {
    let mut house = House::inhabited();
    let operator = limen_proto::manage::Caller::Operator;
    let stop = Verb::StopVgw {
        provider: name("energy"),
    };
    let start = Verb::StartVgw {
        provider: name("energy"),
    };
    house.refused(
        operator.clone(),
        start.clone(),
        RefusalKind::Conflict,
        &["already started"],
    );
    assert_eq!(house.operator(stop.clone()), Ok(Answer::Done));
    assert_eq!(house.vgw("energy").unwrap().state, UnitState::Idle);
    house.refused(
        operator.clone(),
        stop,
        RefusalKind::Conflict,
        &["already stopped"],
    );
    let restart = Verb::RestartVgw {
        provider: name("energy"),
    };
    house.refused(
        operator,
        restart,
        RefusalKind::Conflict,
        &["stopped; start it"],
    );
    assert_eq!(house.operator(start), Ok(Answer::Done));
    assert_eq!(house.vgw("energy").unwrap().state, UnitState::Active);
}

#[test]
fn an_unknown_provider_is_not_found_by_every_verb() {
    let mut house = House::inhabited();
    let operator = limen_proto::manage::Caller::Operator;
    let provider = name("nobody");
    let verbs = [
        Verb::ShowVgw {
            provider: provider.clone(),
        },
        Verb::StartVgw {
            provider: provider.clone(),
        },
        Verb::StopVgw {
            provider: provider.clone(),
        },
        Verb::RestartVgw {
            provider: provider.clone(),
        },
        Verb::FreezeVgw {
            provider: provider.clone(),
        },
        Verb::ThawVgw {
            provider: provider.clone(),
        },
        Verb::RemoveVgw {
            provider: provider.clone(),
            discard_volumes: true,
        },
        Verb::SetContract {
            provider,
            contract: contract(),
        },
    ];
    for verb in verbs {
        house.refused(
            operator.clone(),
            verb,
            RefusalKind::NotFound,
            &["nobody", "list"],
        );
    }
}

#[test]
fn a_restart_ends_the_vgw_once_and_brings_its_bundles_back() {
    let mut house = House::inhabited();
    house.install("energy", summary("web", 1)).unwrap();
    house.install("alarm", summary("mqtt", 1)).unwrap();
    let restart = Verb::RestartVgw {
        provider: name("energy"),
    };
    assert_eq!(house.operator(restart), Ok(Answer::Done));
    assert_eq!(house.starts(vgw_unit(1)), 2);
    assert_eq!(house.starts(bundle_unit(1, 0)), 2);
    assert_eq!(
        house.starts(bundle_unit(2, 0)),
        1,
        "the neighbour did not notice"
    );
    assert_eq!(
        house.bundle("energy", "web").unwrap().unit,
        UnitState::Active
    );
}

#[test]
fn a_vgw_that_fails_is_created_and_says_what_is_wrong() {
    let mut house = House::new();
    house.manner = Manner::Failing;
    let vgw = house.create("energy", contract()).unwrap();
    assert_eq!(
        (vgw.state, vgw.fault),
        (UnitState::Idle, Fault::UnStartable)
    );
    assert!(vgw.detail.contains("status 3"), "{}", vgw.detail);
    assert_eq!(
        house.starts(vgw_unit(1)),
        1,
        "nothing is retried behind one's back"
    );
    house.manner = Manner::Good;
    let start = Verb::StartVgw {
        provider: name("energy"),
    };
    assert_eq!(
        house.operator(start),
        Ok(Answer::Done),
        "asked again, tried again"
    );
}

#[test]
fn a_contract_changes_under_the_running_vgw() {
    let mut house = House::inhabited();
    let mut larger = contract();
    larger.limits.memory = 96 << 20;
    let verb = Verb::SetContract {
        provider: name("energy"),
        contract: larger.clone(),
    };
    assert!(house.operator(verb).is_ok());
    assert!(house.asked.contains(&InitVerb::Adjust {
        slot: slot(1),
        contract: larger.clone(),
        shares: heapless::Vec::new(),
    }));
    assert_eq!(house.starts(vgw_unit(1)), 1);
    assert_eq!(house.vgw("energy").unwrap().contract, larger);
    let adjusts = house.asked.len();
    house.pass(1000);
    assert_eq!(house.asked.len(), adjusts, "adjusted once");
}

#[test]
fn a_shrunken_contract_reaches_the_shares_of_its_bundles() {
    let mut house = House::inhabited();
    let mut wish = summary("web", 1);
    wish.limits.cpu_percent = 40;
    wish.limits.processes = 20;
    house.install("energy", wish).unwrap();
    let mut smaller = contract();
    smaller.limits.cpu_percent = 30;
    smaller.limits.processes = 10;
    smaller.guarantees.memory = 2 << 20;
    let verb = Verb::SetContract {
        provider: name("energy"),
        contract: smaller,
    };
    let changed = house.operator(verb).unwrap();
    let nothing = Changed {
        restart: Vec::new(),
        bundles: 0,
    };
    assert_eq!(changed, Answer::Changed(nothing));
    let shares = house.asked.iter().rev().find_map(|verb| match verb {
        InitVerb::Adjust { shares, .. } => Some(shares.clone()),
        _ => None,
    });
    let [share] = shares.unwrap()[..] else {
        panic!("one bundle");
    };
    assert_eq!((share.limits.cpu_percent, share.limits.processes), (30, 10));
    assert_eq!(share.guarantees.memory, 2 << 20);
    assert_eq!(house.starts(bundle_unit(1, 0)), 1, "without a restart");
}

#[test]
fn what_cannot_be_changed_in_place_is_answered_with_the_restart_that_it_needs() {
    let mut house = House::new();
    let mut first = contract();
    first.devices.push(name("serial-p1")).unwrap();
    house.create("energy", first).unwrap();
    let mut wish = summary("meter", 1);
    wish.devices = vec![name("serial-p1")];
    house.install("energy", wish).unwrap();
    house.install("energy", summary("web", 1)).unwrap();
    let mut without = contract();
    without.limits.descriptors = 128;
    let set = |contract: &Contract| Verb::SetContract {
        provider: name("energy"),
        contract: contract.clone(),
    };
    let Ok(Answer::Changed(changed)) = house.operator(set(&without)) else {
        panic!("it is changed");
    };
    assert_eq!(changed.restart, ["devices", "limits.descriptors"]);
    assert_eq!(changed.bundles, 2);
    // The operator does not read which; the provider does.
    let event = house.disk.events.last().unwrap();
    let (text, detail) = event.text.split_once('|').unwrap();
    assert!(!text.contains("meter"), "{text}");
    assert!(
        detail.contains("restart meter, web to put devices"),
        "{detail}"
    );
    let meter = bundle_unit(1, 0);
    assert_eq!(house.starts(meter), 1);
    let restart = Verb::RestartBundle {
        name: name("meter"),
    };
    house.call(provider("energy"), restart).unwrap();
    let spec = house.asked.iter().rev().find_map(|verb| match verb {
        InitVerb::StartBundle { spec, .. } => Some(spec.clone()),
        _ => None,
    });
    let spec = spec.unwrap();
    assert!(spec.devices.is_empty());
    assert_eq!(spec.limits.descriptors, 128);
}

#[test]
fn a_contract_that_was_not_put_in_force_is_put_in_force_by_the_next_steward() {
    let mut house = House::inhabited();
    house.manner = Manner::Silent;
    let verb = Verb::SetContract {
        provider: name("energy"),
        contract: contract(),
    };
    house.ask(limen_proto::manage::Caller::Operator, verb);
    let house = house.restart_steward();
    assert!(
        house
            .asked
            .iter()
            .any(|verb| matches!(verb, InitVerb::Adjust { .. }))
    );
    assert_eq!(house.starts(vgw_unit(1)), 0);
}

#[test]
fn removal_needs_consent_to_lose_volumes_and_leaves_nothing() {
    let mut house = House::inhabited();
    let mut with_data = summary("web", 1);
    with_data.volumes = vec![volume("data")];
    house.install("energy", with_data).unwrap();
    let operator = limen_proto::manage::Caller::Operator;
    let remove = |discard_volumes| Verb::RemoveVgw {
        provider: name("energy"),
        discard_volumes,
    };
    house.refused(
        operator,
        remove(false),
        RefusalKind::Conflict,
        &["discard-volumes"],
    );
    house.orders.clear();
    assert_eq!(house.operator(remove(true)), Ok(Answer::Done));
    assert!(matches!(house.orders[0].1, Order::RemoveAll));
    assert!(house.units.keys().all(|unit| unit.slot() != Some(slot(1))));
    assert!(house.disk.desired.bundles.is_empty());
    assert_eq!(house.vgw("energy").unwrap_err().kind, RefusalKind::NotFound);
    assert_eq!(
        house.create("energy", contract()).unwrap().slot,
        1,
        "its place is free"
    );
}

#[test]
fn trust_names_every_provider_that_stands() {
    let mut house = House::inhabited();
    let trust = |house: &mut House| {
        let caller = limen_proto::manage::Caller::Management;
        match house.call(caller, Verb::Trust).unwrap() {
            Answer::Trust(trust) => trust,
            other => panic!("{other:?}"),
        }
    };
    house.pass(crate::core::commit::FIRST_CLOCK_MS);
    let before = trust(&mut house);
    assert_eq!(before.providers.len(), 2);
    assert!(
        before.not_before >= 1_700_000_000,
        "the clock's floor was written down"
    );
    let verb = Verb::RemoveVgw {
        provider: name("alarm"),
        discard_volumes: false,
    };
    house.operator(verb).unwrap();
    let after = trust(&mut house);
    assert_eq!(after.providers, [(name("energy"), ENERGY_CA.to_owned())]);
    assert!(after.epoch > before.epoch);
}

#[test]
fn a_box_that_comes_up_waits_for_no_disk() {
    let mut house = House::inhabited().cut_power();
    assert!(house.steward.serves());
    assert_eq!(house.starts(vgw_unit(1)), 1);
    assert_eq!(house.disk.commits, 0, "{:?}", house.disk.history);
    house.pass(crate::core::commit::FIRST_CLOCK_MS);
    let changes: Vec<_> = house.disk.history.iter().flat_map(|one| &one.0).collect();
    assert!(matches!(changes[..], [Change::Clock(_)]), "{changes:?}");
}
