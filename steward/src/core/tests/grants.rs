//! Grants and what the broker is told

use limen_proto::grant::{Decision, Use};
use limen_proto::install::Summary;
use limen_proto::manage::{Answer, Caller, Grant, RefusalKind, Verb};

use super::house::*;
use crate::core::turn::{Input, Peer};

fn meter(counter: u64, to: &[&str]) -> Summary {
    let to = to.iter().map(|of| name(of)).collect();
    Summary {
        exports: vec![("energy.meter".parse().unwrap(), to)],
        ..summary("meter", counter)
    }
}

fn add(consumer: &str) -> Verb {
    Verb::AddGrant {
        interface: "energy.meter".parse().unwrap(),
        consumer: name(consumer),
    }
}

fn granted() -> (House, u64) {
    let mut house = House::inhabited();
    house.install("energy", meter(1, &["alarm"])).unwrap();
    match house.call(provider("energy"), add("alarm")).unwrap() {
        Answer::Grant(grant) => (house, grant.id),
        other => panic!("{other:?}"),
    }
}

fn list(house: &mut House, caller: Caller) -> Vec<Grant> {
    match house.call(caller, Verb::ListGrants).unwrap() {
        Answer::Grants(grants) => grants,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_grant_is_told_to_the_broker_and_seen_by_both_sides() {
    let (mut house, id) = granted();
    assert!(house.decisions.iter().any(|decision| matches!(
        decision,
        Decision::Grant(grant) if grant.id == id && grant.exporter == slot(1) && grant.consumer == slot(2)
    )));
    house.feed(Input::Used(Use::Handed { id }));
    for caller in [provider("energy"), provider("alarm"), Caller::Operator] {
        let grants = list(&mut house, caller);
        assert_eq!((grants.len(), grants[0].references), (1, 1));
    }
    house.feed(Input::Used(Use::Released { id }));
    assert_eq!(list(&mut house, Caller::Operator)[0].references, 0);
}

#[test]
fn a_third_provider_sees_no_grant_of_others() {
    let (mut house, id) = granted();
    assert!(list(&mut house, provider("third")).is_empty());
    let revoke = Verb::RevokeGrant { id };
    let kind = RefusalKind::NotFound;
    house.refused(provider("alarm"), revoke, kind, &["there is no grant 1"]);
}

#[test]
fn what_the_manifest_does_not_offer_cannot_be_granted() {
    let mut house = House::inhabited();
    let energy = || provider("energy");
    house.refused(
        energy(),
        add("alarm"),
        RefusalKind::NotFound,
        &["no installed bundle exports"],
    );
    house.install("energy", meter(1, &["hospital"])).unwrap();
    let parts: &[&str] = &["exported to hospital, not to alarm", "sign"];
    house.refused(energy(), add("alarm"), RefusalKind::Invalid, parts);
    house.refused(
        energy(),
        add("energy"),
        RefusalKind::Invalid,
        &["need no grant"],
    );
    assert!(
        house.call(energy(), add("hospital")).is_ok(),
        "nobody learns who is on the box"
    );
    house.refused(
        energy(),
        add("hospital"),
        RefusalKind::Conflict,
        &["grant 1 already"],
    );
}

#[test]
fn revocation_reaches_the_broker_and_the_number_is_not_used_again() {
    let (mut house, id) = granted();
    house
        .call(provider("energy"), Verb::RevokeGrant { id })
        .unwrap();
    assert_eq!(house.decisions.last(), Some(&Decision::Revoke { id }));
    match house.call(provider("energy"), add("alarm")).unwrap() {
        Answer::Grant(grant) => assert_eq!(grant.id, id + 1),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_grant_ends_with_the_bundle_that_backed_it() {
    let ends: [fn(&mut House); 3] = [
        |house| {
            let verb = Verb::UninstallBundle {
                name: name("meter"),
                keep_volumes: true,
            };
            house.call(provider("energy"), verb).unwrap();
        },
        |house| {
            house.install("energy", meter(2, &["hospital"])).unwrap();
        },
        |house| {
            let verb = Verb::RemoveVgw {
                provider: name("alarm"),
                discard_volumes: true,
            };
            house.operator(verb).unwrap();
        },
    ];
    for end in ends {
        let (mut house, id) = granted();
        end(&mut house);
        assert!(house.disk.desired.grants.is_empty());
        assert!(house.decisions.contains(&Decision::Revoke { id }));
    }
}

#[test]
fn a_fresh_broker_is_told_everything_and_then_that_it_is_complete() {
    let (mut house, id) = granted();
    house.decisions.clear();
    house.feed(Input::Linked(Peer::Broker));
    let told = &house.decisions;
    let place = |wanted: &dyn Fn(&Decision) -> bool| told.iter().position(wanted).unwrap();
    let complete = place(&|decision| *decision == Decision::Complete);
    assert_eq!(complete, told.len() - 1);
    assert!(
        place(&|d| matches!(d, Decision::Provider { slot: of, .. } if *of == slot(2))) < complete
    );
    assert!(
        place(&|d| matches!(d, Decision::Bundle { exports, .. } if exports.len() == 1)) < complete
    );
    assert!(place(&|d| matches!(d, Decision::Grant(grant) if grant.id == id)) < complete);
    house.pass(1000);
    assert_eq!(house.decisions.len(), complete + 1, "nothing is told twice");
}

#[test]
fn a_grant_whose_consumer_comes_later_is_told_then() {
    let mut house = House::new();
    house.create("energy", contract()).unwrap();
    house.install("energy", meter(1, &["alarm"])).unwrap();
    house.call(provider("energy"), add("alarm")).unwrap();
    let told = |house: &House| {
        house
            .decisions
            .iter()
            .any(|d| matches!(d, Decision::Grant(_)))
    };
    assert!(!told(&house));
    house.create("alarm", contract()).unwrap();
    assert!(told(&house));
}
