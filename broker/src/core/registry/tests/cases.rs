//! One promise, one case

use limen_proto::registry::Service;

use super::*;
use crate::core::peers::BACKLOG;
use crate::core::references::Record;

#[test]
fn denied_looks_exactly_like_absent() {
    let mut bench = Bench::two_providers();
    let meter = bench
        .register(1, "energy.meter", Properties::new())
        .unwrap();
    assert_eq!(bench.find(2, "energy.meter", ""), Ok(vec![]));
    let denied = bench.ask(2, Verb::Get { service: meter });
    let absent = bench.ask(
        2,
        Verb::Get {
            service: meter + 1000,
        },
    );
    assert_eq!(denied, absent);
    assert_eq!(reply(&denied), Err(RegistryError::NotFound));
    assert_eq!(bench.find(1, "energy.meter", ""), Ok(vec![meter]));
}

#[test]
fn only_what_the_manifest_exports_can_be_registered() {
    let mut bench = Bench::two_providers();
    let refused = Err(RegistryError::NotExported);
    assert_eq!(
        bench.register(1, "energy.other", Properties::new()),
        refused
    );
    assert_eq!(
        bench.register(2, "energy.meter", Properties::new()),
        refused
    );
}

#[test]
fn a_grant_opens_and_its_revocation_cuts() {
    let mut bench = Bench::two_providers();
    let meter = bench
        .register(1, "energy.meter", Properties::new())
        .unwrap();
    bench.step(grant(5, 1, "energy.meter", 2));
    assert_eq!(bench.find(2, "energy.meter", ""), Ok(vec![meter]));
    let handover = bench.get(2, meter).unwrap();
    assert_eq!(handover.caller.provider.as_str(), "alarm");
    assert_eq!(handover.service.provider.as_str(), "energy");
    assert_eq!(handover.record.grant, 5);
    let local = bench.get(1, meter).unwrap();
    let effects = bench.revoke(5);
    assert_eq!(cuts(&effects), [handover.reference]);
    assert_eq!(
        reports(&effects),
        [Use::Revoked {
            id: 5,
            references: 1
        }]
    );
    assert_eq!(bench.get(2, meter), Err(RegistryError::NotFound));
    assert!(
        bench
            .registry
            .references
            .of(|_| true)
            .contains(&local.reference)
    );
}

#[test]
fn revoking_what_is_not_in_force_is_answered_with_none() {
    let mut bench = Bench::two_providers();
    let effects = bench.revoke(99);
    assert_eq!(
        reports(&effects),
        [Use::Revoked {
            id: 99,
            references: 0
        }]
    );
}

#[test]
fn a_grant_is_for_its_interface_and_direction_only() {
    let mut bench = Bench::two_providers();
    bench.step(bundle(unit(1, 0, 1), &["energy.meter", "energy.price"]));
    let price = bench
        .register(1, "energy.price", Properties::new())
        .unwrap();
    bench.step(grant(5, 1, "energy.meter", 2));
    bench.step(grant(6, 2, "energy.price", 1));
    assert_eq!(bench.get(2, price), Err(RegistryError::NotFound));
}

#[test]
fn until_complete_nothing_is_found_across_providers() {
    let mut bench = Bench::two_providers();
    let meter = bench
        .register(1, "energy.meter", Properties::new())
        .unwrap();
    bench.step(grant(5, 1, "energy.meter", 2));
    let kept = bench.get(2, meter).unwrap();
    bench.step(Input::Linked);
    bench.step(grant(5, 1, "energy.meter", 2));
    assert_eq!(bench.get(2, meter), Err(RegistryError::NotFound));
    let effects = bench.step(Input::Decided(Decision::Complete));
    assert_eq!(cuts(&effects), []);
    assert_eq!(reports(&effects), [Use::Handed { id: 5 }], "counted anew");
    assert!(bench.get(2, meter).is_ok());
    assert!(
        bench
            .registry
            .references
            .of(|_| true)
            .contains(&kept.reference)
    );
}

#[test]
fn grants_that_a_new_steward_does_not_say_are_over() {
    let mut bench = Bench::two_providers();
    let meter = bench
        .register(1, "energy.meter", Properties::new())
        .unwrap();
    bench.step(grant(5, 1, "energy.meter", 2));
    let handover = bench.get(2, meter).unwrap();
    bench.step(Input::Linked);
    let effects = bench.step(Input::Decided(Decision::Complete));
    assert_eq!(cuts(&effects), [handover.reference]);
    assert_eq!(
        reports(&effects),
        [Use::Revoked {
            id: 5,
            references: 1
        }]
    );
}

#[test]
fn stored_references_are_judged_when_the_steward_was_heard() {
    let mut bench = Bench::new();
    let record = |grant| Record {
        caller: unit(2, 0, 1),
        service: unit(1, 0, 1),
        service_id: 3,
        grant,
    };
    bench.step(Input::Stored {
        reference: 10,
        record: record(5),
    });
    bench.step(Input::Stored {
        reference: 11,
        record: record(6),
    });
    bench.step(Input::Stored {
        reference: 12,
        record: record(0),
    });
    bench.step(Input::Linked);
    bench.step(grant(6, 1, "energy.meter", 2));
    let effects = bench.step(Input::Decided(Decision::Complete));
    assert_eq!(cuts(&effects), [10]);
    assert_eq!(bench.registry.references.of(|_| true), [11, 12]);
    let effects = bench.revoke(6);
    assert_eq!(cuts(&effects), [11]);
}

#[test]
fn a_number_of_an_earlier_broker_is_not_used_again() {
    let mut bench = Bench::two_providers();
    let record = Record {
        caller: unit(1, 0, 1),
        service: unit(1, 0, 1),
        service_id: 900,
        grant: 0,
    };
    bench.step(Input::Stored {
        reference: 1000,
        record,
    });
    let meter = bench
        .register(1, "energy.meter", Properties::new())
        .unwrap();
    assert!(meter > 1000);
}

#[test]
fn a_closed_connection_takes_its_services_and_their_references() {
    let mut bench = Bench::two_providers();
    let meter = bench
        .register(1, "energy.meter", Properties::new())
        .unwrap();
    bench.step(grant(5, 1, "energy.meter", 2));
    let handover = bench.get(2, meter).unwrap();
    let effects = bench.step(Input::Closed { peer: PeerId(1) });
    assert_eq!(cuts(&effects), [handover.reference]);
    assert_eq!(reports(&effects), [Use::Released { id: 5 }]);
    assert_eq!(bench.find(2, "energy.meter", ""), Ok(vec![]));
    assert!(bench.registry.charged.services.is_empty());
    assert!(bench.registry.charged.references.is_empty());
}

#[test]
fn a_callers_lost_broker_connection_cuts_nothing() {
    let mut bench = Bench::two_providers();
    let meter = bench
        .register(1, "energy.meter", Properties::new())
        .unwrap();
    bench.step(grant(5, 1, "energy.meter", 2));
    let handover = bench.get(2, meter).unwrap();
    let effects = bench.step(Input::Closed { peer: PeerId(2) });
    assert_eq!(cuts(&effects), []);
    let effects = bench.step(Input::HungUp {
        reference: handover.reference,
    });
    assert!(effects.contains(&Effect::Forget {
        reference: handover.reference
    }));
    assert!(bench.registry.charged.references.is_empty());
}

#[test]
fn a_unit_that_ended_leaves_nothing() {
    for ended in [unit(1, 0, 1), unit(2, 0, 1)] {
        let mut bench = Bench::two_providers();
        let meter = bench
            .register(1, "energy.meter", Properties::new())
            .unwrap();
        bench.step(grant(5, 1, "energy.meter", 2));
        let handover = bench.get(2, meter).unwrap();
        let effects = bench.step(Input::Ended(ended));
        assert_eq!(cuts(&effects), [handover.reference], "{ended:?}");
        assert!(effects.contains(&Effect::CloseListener(ended)));
        assert!(bench.registry.peers.values().all(|peer| peer.unit != ended));
    }
}

#[test]
fn an_earlier_lifes_end_does_not_touch_the_later_life() {
    let mut bench = Bench::two_providers();
    bench.step(bundle(unit(1, 0, 2), &["energy.meter"]));
    bench.step(Input::Connected {
        peer: PeerId(3),
        unit: unit(1, 0, 2),
    });
    let meter = bench
        .register(3, "energy.meter", Properties::new())
        .unwrap();
    bench.step(Input::Ended(unit(1, 0, 1)));
    assert_eq!(bench.find(3, "energy.meter", ""), Ok(vec![meter]));
    assert!(bench.registry.may_ask(PeerId(3)));
}

#[test]
fn who_is_not_named_yet_waits_unread() {
    let mut bench = Bench::two_providers();
    bench.step(Input::Connected {
        peer: PeerId(9),
        unit: unit(1, 4, 1),
    });
    assert!(!bench.registry.may_ask(PeerId(9)));
    bench.step(bundle(unit(1, 4, 7), &[]));
    assert!(!bench.registry.may_ask(PeerId(9)), "another life was named");
    bench.step(bundle(unit(1, 4, 1), &[]));
    assert!(bench.registry.may_ask(PeerId(9)));
}

#[test]
fn higher_ranking_comes_first_then_the_lower_number() {
    let mut bench = Bench::two_providers();
    let first = bench
        .register(1, "energy.meter", Properties::new())
        .unwrap();
    let high = bench.register(1, "energy.meter", ranked(9)).unwrap();
    let low = bench.register(1, "energy.meter", ranked(-9)).unwrap();
    let second = bench.register(1, "energy.meter", ranked(0)).unwrap();
    assert_eq!(
        bench.find(1, "energy.meter", ""),
        Ok(vec![high, first, second, low])
    );
    assert_eq!(
        bench.find(1, "energy.meter", "(service.ranking>=0)"),
        Ok(vec![high, second])
    );
    let provider = bench
        .find(1, "energy.meter", "(Service.Provider=energy)")
        .unwrap();
    assert_eq!(provider.len(), 4);
    assert_eq!(
        bench.find(1, "energy.meter", "(oops"),
        Err(RegistryError::Filter)
    );
}

#[test]
fn a_minor_version_may_be_newer_a_major_one_may_not() {
    let mut bench = Bench::two_providers();
    let version = Version { major: 1, minor: 3 };
    let properties = Properties::new();
    let interface = interface("energy.meter");
    bench.ask(
        1,
        Verb::Register {
            interface: interface.clone(),
            version,
            properties,
        },
    );
    for (major, minor, found) in [(1, 0, 1), (1, 3, 1), (1, 4, 0), (2, 0, 0), (0, 0, 0)] {
        let verb = Verb::Find {
            interface: interface.clone(),
            version: Version { major, minor },
            filter: Default::default(),
        };
        let Ok(Answer::Found(list)) = reply(&bench.ask(1, verb)) else {
            panic!("found nothing to say")
        };
        assert_eq!(list.len(), found, "{major}.{minor}");
    }
}

#[test]
fn the_brokers_own_properties_and_twins_are_refused() {
    let mut bench = Bench::two_providers();
    for names in [vec!["service.id"], vec!["objectclass"], vec!["a", "b", "a"]] {
        let properties = names
            .iter()
            .map(|name| (interface(name), Value::Boolean(true)));
        let outcome = bench.register(1, "energy.meter", properties.collect());
        assert_eq!(outcome, Err(RegistryError::Property), "{names:?}");
    }
}

#[test]
fn each_share_ends_and_comes_back() {
    let mut bench = Bench::two_providers();
    let mut held = Vec::new();
    while let Ok(id) = bench.register(1, "energy.meter", Properties::new()) {
        held.push(id);
    }
    assert_eq!(held.len(), crate::core::ledger::SERVICES.per_bundle);
    bench.ask(1, Verb::Unregister { service: held[0] });
    assert!(bench.register(1, "energy.meter", Properties::new()).is_ok());

    let mut references = Vec::new();
    while let Ok(handover) = bench.get(1, held[1]) {
        references.push(handover.reference);
    }
    assert_eq!(references.len(), crate::core::ledger::REFERENCES.per_bundle);
    bench.step(Input::HungUp {
        reference: references[0],
    });
    assert!(bench.get(1, held[1]).is_ok());
}

#[test]
fn only_the_connection_that_registered_may_unregister() {
    let mut bench = Bench::two_providers();
    let meter = bench
        .register(1, "energy.meter", Properties::new())
        .unwrap();
    let effects = bench.ask(2, Verb::Unregister { service: meter });
    assert_eq!(reply(&effects), Err(RegistryError::NotFound));
    assert_eq!(bench.find(1, "energy.meter", ""), Ok(vec![meter]));
}

#[test]
fn an_offender_is_told_blamed_and_closed() {
    let mut bench = Bench::two_providers();
    let effects = bench.step(Input::Broke { peer: PeerId(2) });
    assert_eq!(reply(&effects), Err(RegistryError::Malformed));
    assert_eq!(
        reports(&effects),
        [Use::Blamed {
            unit: unit(2, 0, 1)
        }]
    );
    assert!(effects.contains(&Effect::Disconnect { peer: PeerId(2) }));
    assert!(bench.registry.may_ask(PeerId(1)));
}

#[test]
fn a_service_that_never_reads_costs_its_callers_a_busy_and_itself_nothing_more() {
    let mut bench = Bench::two_providers();
    let meter = bench
        .register(1, "energy.meter", Properties::new())
        .unwrap();
    bench.step(Input::Connected {
        peer: PeerId(3),
        unit: unit(1, 0, 1),
    });
    let mut handed = 0;
    let last = loop {
        let request = Request {
            id: 1,
            verb: Verb::Get { service: meter },
        };
        let mut effects = Vec::new();
        bench.registry.step(
            Input::Asked {
                peer: PeerId(3),
                request,
            },
            &mut effects,
        );
        bench
            .registry
            .step(Input::Sent { peer: PeerId(3) }, &mut Vec::new());
        match effects.first() {
            Some(Effect::Hand(_)) => handed += 1,
            _ => break effects,
        }
    };
    assert_eq!(reply(&last), Err(RegistryError::Busy));
    assert_eq!(handed, BACKLOG);
    assert!(
        !bench.registry.may_ask(PeerId(1)),
        "it is not read before it reads"
    );
}

#[test]
fn what_the_kernel_does_not_give_is_a_busy() {
    let mut bench = Bench::two_providers();
    let meter = bench
        .register(1, "energy.meter", Properties::new())
        .unwrap();
    let request = Request {
        id: 4,
        verb: Verb::Get { service: meter },
    };
    let mut effects = Vec::new();
    bench.registry.step(
        Input::Asked {
            peer: PeerId(1),
            request,
        },
        &mut effects,
    );
    let Some(Effect::Hand(handover)) = effects.first() else {
        panic!("{effects:?}")
    };
    let effects = bench.step(Input::NotHanded {
        reference: handover.reference,
        caller: PeerId(1),
        request: 4,
        service: PeerId(1),
    });
    assert_eq!(reply(&effects), Err(RegistryError::Busy));
    assert!(bench.registry.charged.references.is_empty());
    assert!(
        bench.registry.may_ask(PeerId(1)),
        "both queues are empty again"
    );
}

#[test]
fn what_init_does_not_store_is_cut() {
    let mut bench = Bench::two_providers();
    let meter = bench
        .register(1, "energy.meter", Properties::new())
        .unwrap();
    let handover = bench.get(1, meter).unwrap();
    let effects = bench.step(Input::NotStored {
        reference: handover.reference,
    });
    assert_eq!(cuts(&effects), [handover.reference]);
}

fn news(effects: &[Effect]) -> Vec<(u64, bool)> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send {
                event: Event::Appeared(Service { id, .. }),
                ..
            } => Some((*id, true)),
            Effect::Send {
                event: Event::Disappeared { service },
                ..
            } => Some((*service, false)),
            _ => None,
        })
        .collect()
}

#[test]
fn a_watcher_is_told_of_each_coming_and_going_once() {
    let mut bench = Bench::two_providers();
    let meter = bench
        .register(1, "energy.meter", Properties::new())
        .unwrap();
    let watch = || Verb::Watch {
        interface: interface("energy.meter"),
    };
    assert_eq!(news(&bench.ask(2, watch())), []);
    assert_eq!(
        news(&bench.step(grant(5, 1, "energy.meter", 2))),
        [(meter, true)]
    );
    assert_eq!(news(&bench.step(grant(6, 1, "energy.meter", 2))), []);
    assert_eq!(
        news(&bench.ask(2, watch())),
        [],
        "watching twice repeats nothing"
    );
    assert_eq!(news(&bench.revoke(5)), [], "the other grant is in force");
    bench.step(Input::Linked);
    assert_eq!(news(&bench.step(grant(6, 1, "energy.meter", 2))), []);
    assert_eq!(news(&bench.step(Input::Decided(Decision::Complete))), []);
    assert_eq!(news(&bench.revoke(6)), [(meter, false)]);
    assert_eq!(news(&bench.step(Input::Closed { peer: PeerId(1) })), []);
}

#[test]
fn a_slow_watcher_ends_at_the_truth() {
    let mut bench = Bench::two_providers();
    let mut effects = Vec::new();
    let request = Request {
        id: 1,
        verb: Verb::Watch {
            interface: interface("energy.meter"),
        },
    };
    bench.step(Input::Connected {
        peer: PeerId(3),
        unit: unit(1, 0, 1),
    });
    bench.registry.step(
        Input::Asked {
            peer: PeerId(3),
            request,
        },
        &mut effects,
    );
    let register = || Input::Asked {
        peer: PeerId(1),
        request: Request {
            id: 1,
            verb: Verb::Register {
                interface: interface("energy.meter"),
                version: ONE,
                properties: Properties::new(),
            },
        },
    };
    for _ in 0..12 {
        bench.registry.step(register(), &mut effects);
        bench
            .registry
            .step(Input::Sent { peer: PeerId(1) }, &mut effects);
    }
    let queued = |bench: &Bench| bench.registry.peers.get(&PeerId(3)).unwrap().queued;
    assert_eq!(queued(&bench), BACKLOG);
    while queued(&bench) > 0 {
        bench
            .registry
            .step(Input::Sent { peer: PeerId(3) }, &mut effects);
    }
    assert_eq!(news(&effects).len(), 12);
}
