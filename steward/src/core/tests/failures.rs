//! What fails, and what then still holds

use limen_proto::control::{ControlError, Verb as InitVerb};
use limen_proto::feature::Feature;
use limen_proto::logs::Lines;
use limen_proto::manage::{Answer, Caller, Push, RefusalKind, Verb};
use limen_proto::state::UnitState;

use super::house::*;
use crate::core::turn::{Input, Peer};

#[test]
fn a_disk_that_cannot_be_written_refuses_every_change_and_ends_nothing() {
    let mut house = House::inhabited();
    house.install("energy", summary("web", 1)).unwrap();
    house.disk.broken = true;
    let asked = house.asked.len();
    let energy = || provider("energy");
    let calls = [
        (
            Caller::Operator,
            Verb::StopVgw {
                provider: name("energy"),
            },
        ),
        (
            Caller::Operator,
            Verb::RemoveVgw {
                provider: name("energy"),
                discard_volumes: true,
            },
        ),
        (
            Caller::Operator,
            Verb::SetContract {
                provider: name("energy"),
                contract: contract(),
            },
        ),
        (energy(), Verb::StopBundle { name: name("web") }),
        (
            energy(),
            Verb::UninstallBundle {
                name: name("web"),
                keep_volumes: false,
            },
        ),
    ];
    for (caller, verb) in calls {
        let refusal = house.call(caller, verb.clone()).unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::Failed, "{verb:?}");
        assert!(
            refusal.message.contains("nothing was changed"),
            "{}",
            refusal.message
        );
    }
    let refusal = house.install("energy", summary("other", 1)).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Failed);
    let ends = house.asked[asked..]
        .iter()
        .filter(|verb| matches!(verb, InitVerb::Stop { .. }));
    assert_eq!(ends.count(), 0);
    assert_eq!(
        house.bundle("energy", "web").unwrap().unit,
        UnitState::Active
    );
}

#[test]
fn every_call_has_an_end_when_nothing_answers() {
    let mut house = House::inhabited();
    house.install("energy", summary("web", 1)).unwrap();
    house.feed(Input::Linked(Peer::Logger));
    house.manner = Manner::Silent;
    let energy = || provider("energy");
    let calls = [
        house.ask(energy(), Verb::RestartBundle { name: name("web") }),
        house.ask(
            energy(),
            Verb::ReadLogs {
                name: name("web"),
                after: 0,
                limit: 9,
            },
        ),
        house.ask(energy(), Verb::InstallBundle),
        house.ask(energy(), Verb::InstallBundle),
        house.ask(
            Caller::Operator,
            Verb::RestartVgw {
                provider: name("energy"),
            },
        ),
        house.ask(
            Caller::Operator,
            Verb::RemoveVgw {
                provider: name("alarm"),
                discard_volumes: true,
            },
        ),
    ];
    assert!(calls.iter().all(|call| house.outcome(*call).is_none()));
    let mut waits = 0;
    while calls.iter().any(|call| house.outcome(*call).is_none()) {
        let until = house.steward.deadline_ms();
        let wait = until.saturating_sub(house.now.monotonic_ms).max(1);
        house.pass(wait);
        waits += 1;
        assert!(waits < 200, "a deadline that does not come");
    }
    assert!(
        house.now.monotonic_ms < 600_000,
        "in bounded time: {}",
        house.now.monotonic_ms
    );
}

#[test]
fn a_hand_that_dies_fails_its_call_and_the_next_one_works() {
    let mut house = House::inhabited();
    house.manner = Manner::Dying;
    let refusal = house.install("energy", summary("web", 1)).unwrap_err();
    assert!(refusal.message.contains("try again"), "{}", refusal.message);
    house.manner = Manner::Good;
    assert!(house.install("energy", summary("web", 1)).is_ok());
}

#[test]
fn a_vgw_whose_place_cannot_be_emptied_is_not_made() {
    let mut house = House::new();
    house.manner = Manner::Dying;
    let refusal = house.create("energy", contract()).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Failed);
    assert!(house.disk.desired.vgws.is_empty());
    house.manner = Manner::Good;
    assert!(house.create("energy", contract()).is_ok());
}

#[test]
fn a_refusal_of_init_is_told_and_not_repeated() {
    let mut house = House::inhabited();
    house.install("energy", summary("web", 1)).unwrap();
    house.manner = Manner::Silent;
    let call = house.ask(
        provider("energy"),
        Verb::RestartBundle { name: name("web") },
    );
    // Stopped as asked, then the start is refused.
    house.manner = Manner::Good;
    house.change(
        bundle_unit(1, 0),
        UnitState::Idle,
        limen_proto::state::Fault::NoFault,
    );
    house.manner = Manner::Silent;
    for id in 1..200 {
        let result = Err(ControlError::Kernel(12));
        house.feed(Input::Answered { id, result });
    }
    let refusal = house.outcome(call).unwrap().unwrap_err();
    assert!(refusal.message.contains("errno 12"), "{}", refusal.message);
    let starts = house.starts(bundle_unit(1, 0));
    house.pass(60_000);
    assert_eq!(house.starts(bundle_unit(1, 0)), starts);
}

#[test]
fn answers_of_an_earlier_mgmt_never_reach_the_next_one() {
    let mut house = House::inhabited();
    house.install("energy", summary("web", 1)).unwrap();
    house.manner = Manner::Silent;
    house.ask(
        provider("energy"),
        Verb::RestartBundle { name: name("web") },
    );
    house.ask(provider("energy"), Verb::InstallBundle);
    house.feed(Input::Linked(Peer::Management));
    house.pushes.clear();
    for _ in 0..20 {
        house.pass(60_000);
    }
    assert!(
        house
            .pushes
            .iter()
            .all(|push| !matches!(push, Push::Reply { .. })),
        "{:?}",
        house.pushes
    );
}

#[test]
fn without_a_logger_logs_are_unavailable_and_with_one_they_are_read() {
    let mut house = House::inhabited();
    house.install("energy", summary("web", 1)).unwrap();
    let read = Verb::ReadLogs {
        name: name("web"),
        after: 0,
        limit: 10,
    };
    let refusal = house.call(provider("energy"), read.clone()).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Unavailable);
    house.feed(Input::Linked(Peer::Logger));
    let call = house.ask(provider("energy"), read);
    for id in 0..200 {
        house.feed(Input::Read(Lines {
            id,
            lines: Vec::new(),
        }));
    }
    assert_eq!(house.outcome(call), Some(Ok(Answer::Lines(Vec::new()))));
}

#[test]
fn a_core_unit_is_ended_by_the_operator_only_after_the_answer() {
    let mut house = House::inhabited();
    let kill = |of: &str| Verb::KillCore {
        units: vec![name(of)],
    };
    house.refused(
        Caller::Operator,
        kill("nothing"),
        RefusalKind::NotFound,
        &["no core unit"],
    );
}

#[test]
fn a_box_that_is_not_provisioned_says_so() {
    let mut house = House::new();
    house.disk.desired.identity = None;
    let desired = house.disk.desired.clone();
    let mut steward = crate::core::Steward::new(desired, crate::core::Facts::default());
    let mut answer = |caller, verb| {
        steward.handle(house.now, &mut house.disk, Input::Linked(Peer::Management));
        let call = limen_proto::manage::Call {
            id: 1,
            caller,
            verb,
        };
        let effects = steward.handle(house.now, &mut house.disk, Input::Called(call));
        effects.into_iter().find_map(|effect| match effect {
            crate::core::turn::Effect::Push(Push::Reply { result, .. }) => Some(result),
            _ => None,
        })
    };
    let refusal = answer(Caller::Management, Verb::Trust)
        .unwrap()
        .unwrap_err();
    assert!(
        refusal.message.contains("operator-ca.pem"),
        "{}",
        refusal.message
    );
    match answer(Caller::Operator, Verb::ShowCore).unwrap().unwrap() {
        Answer::Core(core) => assert!(core.warnings.iter().any(|w| w.contains("provisioned"))),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_kernel_that_cannot_isolate_starts_no_vgw_and_says_what_it_lacks() {
    let mut house = House::inhabited();
    house.disk.lacks = vec![Feature::MemoryControl, Feature::MemoryFiles];
    let Ok(Answer::Core(core)) = house.operator(Verb::ShowCore) else {
        panic!("the core is shown");
    };
    let lacks: Vec<_> = core
        .lacks
        .iter()
        .map(|lack| (lack.name.as_str(), lack.required))
        .collect();
    assert_eq!(lacks, [("memory-control", true), ("memory-files", false)]);
    let words = &["memory-control", "CONFIG_MEMCG", "cgroup_disable=memory"];
    let create = Verb::CreateVgw {
        provider: name("third"),
        contract: contract(),
        authority: THIRD_CA.to_owned(),
        keys: vec![KEY.to_owned()],
    };
    house.refused(Caller::Operator, create, RefusalKind::NotAdmitted, words);
    let of = || name("energy");
    house
        .operator(Verb::StopVgw { provider: of() })
        .expect("what runs can be stopped");
    let start = Verb::StartVgw { provider: of() };
    house.refused(Caller::Operator, start, RefusalKind::NotAdmitted, words);
    house.disk.lacks = vec![Feature::MemoryFiles];
    let start = Verb::StartVgw { provider: of() };
    assert!(house.operator(start).is_ok(), "it is not required");
}
