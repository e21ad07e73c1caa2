//! Contracts against the box

use limen_proto::contract::Contract;
use limen_proto::manage::{Answer, Caller, Plan, RefusalKind, Verb};

use super::house::*;

/// What is changed, the kind of refusal, and what its text says.
type Case = (fn(&mut Contract), RefusalKind, &'static [&'static str]);

/// A contract that guarantees something.
fn guaranteeing() -> Contract {
    let mut contract = contract();
    contract.guarantees.memory = 64 << 20;
    contract.guarantees.cpu_percent = 20;
    contract
}

fn planned(house: &mut House, provider: &str, contract: Contract) -> Plan {
    let verb = Verb::PlanVgw {
        provider: name(provider),
        contract,
    };
    match house.operator(verb) {
        Ok(Answer::Plan(plan)) => plan,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_contract_that_does_not_fit_is_refused_with_its_numbers() {
    use RefusalKind::{Invalid, NotAdmitted};
    // 512 MiB of memory less 64 of the core, less 64 and 64 promised; 512 MiB of disk less 16,
    // less 64 and 64; two cores, of which 20 % and 20 % are promised at weight 100 of 700: the core's
    // is 400.
    let cases: &[Case] = &[
        (
            |c| c.limits.memory = 1 << 40,
            NotAdmitted,
            &["memory at most", "1024 GiB", "448 MiB", "limits.memory"],
        ),
        (
            |c| {
                c.limits.memory = 400 << 20;
                c.guarantees.memory = 321 << 20;
            },
            NotAdmitted,
            &[
                "128 MiB are promised",
                "at most 320 MiB",
                "guarantees.memory",
            ],
        ),
        (
            |c| c.limits.memory = 4096,
            Invalid,
            &["limits.memory is 4 KiB", "1 MiB"],
        ),
        (
            |c| c.limits.cpu_percent = 201,
            NotAdmitted,
            &["201 %", "200 %", "limits.cpu-percent"],
        ),
        (
            |c| {
                c.limits.cpu_percent = 0;
                c.guarantees.cpu_percent = 29;
            },
            NotAdmitted,
            &[
                "29 %",
                "100 of 700",
                "delivers 28 %",
                "raise limits.cpu-weight to 102",
            ],
        ),
        (
            |c| c.limits.cpu_weight = 401,
            NotAdmitted,
            &[
                "leave provider energy 19 %",
                "20 % are guaranteed",
                "at most 400",
            ],
        ),
        (
            |c| {
                c.limits.cpu_percent = 0;
                c.guarantees.cpu_percent = 101;
            },
            NotAdmitted,
            &[
                "101 %",
                "guarantee at most 28 %, or lower or remove another",
            ],
        ),
        (
            |c| c.limits.cpu_weight = 10_000,
            NotAdmitted,
            &["leave the core less than 5 %", "at most 7400"],
        ),
        (
            |c| c.limits.cpu_weight = 0,
            Invalid,
            &["limits.cpu-weight is 0", "1 to 10000"],
        ),
        (
            |c| c.limits.processes = 1,
            Invalid,
            &["limits.processes is 1"],
        ),
        (
            |c| c.disk = 369 << 20,
            NotAdmitted,
            &["disk", "at most 368 MiB"],
        ),
        (
            |c| c.inodes = u32::MAX,
            NotAdmitted,
            &["files on disk", "inodes"],
        ),
        (
            |c| c.publish.push(publish(8443)).unwrap(),
            NotAdmitted,
            &["tcp port 8443", "core"],
        ),
        (
            |c| c.publish.push(publish(8080)).unwrap(),
            NotAdmitted,
            &["8080", "provider energy"],
        ),
        (
            |c| c.publish.push(publish(0)).unwrap(),
            Invalid,
            &["port 0"],
        ),
        (
            |c| c.publish.extend([publish(1), publish(1)]),
            Invalid,
            &["tcp port 1 twice"],
        ),
        (
            |c| c.devices.push(name("camera")).unwrap(),
            NotAdmitted,
            &["camera", "it has serial-p1"],
        ),
        (
            |c| c.devices.push(name("serial-p1")).unwrap(),
            NotAdmitted,
            &["serial-p1", "energy"],
        ),
    ];
    let mut house = House::new();
    let mut first = guaranteeing();
    first.publish.push(publish(8080)).unwrap();
    first.devices.push(name("serial-p1")).unwrap();
    house.create("energy", first).unwrap();
    house.create("alarm", guaranteeing()).unwrap();
    for (change, kind, parts) in cases {
        // Its own promise is not counted against a contract that is changed, so ask for a third.
        let mut wish = contract();
        change(&mut wish);
        let plan = planned(&mut house, "third", wish.clone());
        let verb = Verb::CreateVgw {
            provider: name("third"),
            contract: wish,
            authority: THIRD_CA.to_owned(),
            keys: vec![KEY.to_owned()],
        };
        house.refused(Caller::Operator, verb, *kind, parts);
        let first = plan
            .obstacles
            .first()
            .expect("a plan refuses what creating refuses");
        assert!(parts.iter().all(|part| first.contains(part)), "{first}");
        house.pass(60_000);
    }
}

#[test]
fn limits_may_exceed_what_is_guaranteed() {
    let mut house = House::inhabited();
    let mut wish = contract();
    wish.limits.memory = 448 << 20;
    wish.limits.cpu_percent = 200;
    for provider in ["energy", "alarm"] {
        let verb = Verb::SetContract {
            provider: name(provider),
            contract: wish.clone(),
        };
        assert!(house.operator(verb).is_ok());
    }
}

#[test]
fn a_changed_contract_is_compared_without_its_own_promise() {
    let mut house = House::new();
    house.create("energy", guaranteeing()).unwrap();
    house.create("alarm", guaranteeing()).unwrap();
    let wish = |memory| {
        let mut wish = contract();
        wish.limits.memory = memory;
        wish.guarantees.memory = memory;
        wish
    };
    let set = |memory| Verb::SetContract {
        provider: name("energy"),
        contract: wish(memory),
    };
    house.refused(
        Caller::Operator,
        set(385 << 20),
        RefusalKind::NotAdmitted,
        &["384 MiB"],
    );
    let plan = planned(&mut house, "energy", wish(385 << 20));
    let [displaced] = plan.displaced.as_slice() else {
        panic!("{plan:?}");
    };
    assert_eq!(displaced.provider, name("alarm"));
    assert_eq!((displaced.guaranteed, displaced.left), (64 << 20, 63 << 20));
    assert!(house.operator(set(384 << 20)).is_ok());
}

#[test]
fn a_plan_tells_what_is_left_and_changes_nothing() {
    let mut house = House::new();
    house.create("energy", guaranteeing()).unwrap();
    let (before, commits) = (house.steward.desired().clone(), house.disk.commits);
    let plan = planned(&mut house, "alarm", guaranteeing());
    assert_eq!(plan.obstacles, [""; 0]);
    let of = |key: &str| {
        let mut resources = plan.resources.iter();
        let one = resources.find(|one| one.key == key).unwrap();
        (one.total, one.promised, one.asked, one.left)
    };
    let mib = |count: u64| count << 20;
    assert_eq!(
        of("guarantees.memory"),
        (mib(448), mib(64), mib(64), mib(320))
    );
    assert_eq!(of("disk"), (mib(496), mib(64), mib(64), mib(368)));
    // Weight 100 of 600 of two cores is 33 %.
    assert_eq!(of("guarantees.cpu-percent"), (200, 20, 20, 13));
    assert_eq!(*house.steward.desired(), before);
    assert_eq!(house.disk.commits, commits);
    house.refused(
        Caller::Provider(name("energy")),
        Verb::PlanVgw {
            provider: name("energy"),
            contract: contract(),
        },
        RefusalKind::Forbidden,
        &["operator"],
    );
}
