//! Contracts against the box

use limen_proto::contract::Contract;
use limen_proto::manage::{Caller, RefusalKind, Verb};

use super::house::*;

/// What is changed, the kind of refusal, and what its text says.
type Case = (fn(&mut Contract), RefusalKind, &'static [&'static str]);

#[test]
fn a_contract_that_does_not_fit_is_refused_with_its_numbers() {
    use RefusalKind::{Invalid, NotAdmitted};
    // 512 MiB of memory less 64 of the core, less 64 and 64 promised; 512 MiB of disk less 16,
    // less 64 and 64; two cores, 50 % and 50 % promised.
    let cases: &[Case] = &[
        (
            |c| c.limits.memory = 1 << 40,
            NotAdmitted,
            &["memory", "1024 GiB", "448 MiB", "at most 448 MiB"],
        ),
        (
            |c| c.limits.memory = 321 << 20,
            NotAdmitted,
            &["memory", "128 MiB are promised", "at most 320 MiB"],
        ),
        (
            |c| c.limits.memory = 4096,
            Invalid,
            &["limits.memory is 4 KiB", "1 MiB"],
        ),
        (
            |c| c.limits.cpu_percent = 101,
            NotAdmitted,
            &["processor", "101 %", "200 %", "100 %"],
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
    let mut first = contract();
    first.publish.push(publish(8080)).unwrap();
    first.devices.push(name("serial-p1")).unwrap();
    house.create("energy", first).unwrap();
    house.create("alarm", contract()).unwrap();
    for (change, kind, parts) in cases {
        // Its own promise is not counted against a contract that is changed, so ask for a third.
        let mut wish = contract();
        change(&mut wish);
        let verb = Verb::CreateVgw {
            provider: name("third"),
            contract: wish,
            authority: THIRD_CA.to_owned(),
            keys: vec![KEY.to_owned()],
        };
        house.refused(Caller::Operator, verb, *kind, parts);
        house.pass(60_000);
    }
}

#[test]
fn a_changed_contract_is_compared_without_its_own_promise() {
    let mut house = House::inhabited();
    let set = |memory| {
        let mut wish = contract();
        wish.limits.memory = memory;
        Verb::SetContract {
            provider: name("energy"),
            contract: wish,
        }
    };
    assert!(house.operator(set(384 << 20)).is_ok());
    house.refused(
        Caller::Operator,
        set(385 << 20),
        RefusalKind::NotAdmitted,
        &["384 MiB"],
    );
}
