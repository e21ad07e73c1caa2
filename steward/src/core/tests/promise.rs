//! Admission against a naive model: nothing is ever promised twice, and what fits is admitted

use std::collections::BTreeSet;

use limen_proto::contract::{Contract, Protocol, Publish, Rate};
use limen_proto::id::{BundleIndex, Slot};
use limen_proto::manage::RefusalKind;

use super::house::{contract, name, summary};
use crate::core::admission::{Fixtures, admit, plan};
use crate::core::desired::{BundleRecord, Desired, Held, Phase, VgwRecord};
use crate::core::fit::fit;
use crate::core::turn::Capacity;

struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::from(self.short(u16::try_from(of.len()).unwrap()))]
    }

    fn short(&mut self, end: u16) -> u16 {
        u16::try_from(self.below(end.into())).unwrap()
    }

    /// Sound in itself; as large as the box or beyond it now and then.
    fn contract(&mut self) -> Contract {
        let mut wish = contract();
        wish.limits.cpu_weight = match self.below(20) {
            0 => 1 + self.short(10_000),
            _ => 1 + self.short(300),
        };
        wish.limits.cpu_percent = self.one(&[0, 100, 200, 400, 500]);
        let ceiling = match wish.limits.cpu_percent {
            0 => 450,
            percent => percent,
        };
        wish.guarantees.cpu_percent = self.short(ceiling.min(120) + 1);
        wish.limits.memory = (1 + self.below(500)) << 20;
        wish.guarantees.memory = self.below(1 + (wish.limits.memory >> 20).min(120)) << 20;
        wish.disk = (1 + self.below(150)) << 20;
        wish.inodes = 16 + u32::from(self.short(20_000));
        wish.upload = Rate::of(self.below(4) * 4_000_000);
        wish.download = Rate::of(8_000 + self.below(30_000_000));
        if self.below(4) == 0 {
            let port = Publish {
                protocol: self.one(&[Protocol::Tcp, Protocol::Udp]),
                outside: 8440 + self.short(6),
                inside: 80,
            };
            wish.publish.push(port).unwrap();
        }
        if self.below(4) == 0 {
            let class = self.one(&["serial-p1", "camera"]);
            wish.devices.push(name(class)).unwrap();
        }
        wish
    }
}

const CAPACITY: Capacity = Capacity {
    memory: 512 << 20,
    memory_available: 0,
    cores: 4,
    disk: 512 << 20,
    inodes: 65_536,
};

fn fixtures() -> Fixtures {
    Fixtures {
        devices: vec![name("serial-p1")],
        listening: vec![8443],
        upload: 20_000_000,
        download: 100_000_000,
        connections: 1024 * 7,
    }
}

/// Whether all these can stand together, from the words of the documentation.
fn together(contracts: &[&Contract]) -> bool {
    let sum = |of: fn(&Contract) -> u64| contracts.iter().map(|one| of(one)).sum::<u64>();
    let weights = 400 + sum(|one| one.limits.cpu_weight.into());
    let ports: Vec<_> = contracts.iter().flat_map(|one| &one.publish).collect();
    let different: BTreeSet<_> = ports
        .iter()
        .map(|port| (port.protocol == Protocol::Tcp, port.outside))
        .collect();
    let devices: Vec<_> = contracts.iter().flat_map(|one| &one.devices).collect();
    sum(|one| one.guarantees.memory) <= 448 << 20
        && contracts.iter().all(|one| one.limits.memory <= 448 << 20)
        && contracts.iter().all(|one| one.limits.cpu_percent <= 400)
        && contracts.iter().all(|one| {
            400 * u64::from(one.limits.cpu_weight)
                >= u64::from(one.guarantees.cpu_percent) * weights
        })
        && weights <= 8000
        && sum(|one| one.disk) <= 496 << 20
        && sum(|one| one.inodes.into()) <= 65_536 - 256
        && contracts.iter().all(|one| one.upload.bits > 0)
        && sum(|one| one.upload.bits) <= 18_000_000
        && sum(|one| one.download.bits) <= 90_000_000
        && contracts.len() <= 6
        && different.len() == ports.len()
        && !different.contains(&(true, 8443))
        && devices.len() <= 1
        && devices.iter().all(|class| class.as_str() == "serial-p1")
}

fn record(slot: Slot, contract: Contract) -> VgwRecord {
    VgwRecord {
        slot,
        provider: name(&format!("p{slot}")),
        enabled: true,
        frozen: false,
        spent: false,
        serial: 0,
        contract,
        adjust: false,
        phase: Phase::Standing,
        authority: String::new(),
        keys: Vec::new(),
        created: 0,
    }
}

#[test]
fn what_is_admitted_is_what_can_stand_together() {
    let seed = 20_261_120;
    let mut random = Random(seed);
    let (mut admitted, mut refused) = (0, 0);
    for run in 0..300 {
        let mut desired = Desired::default();
        for _ in 0..30 {
            let slot = Slot::new(random.short(8)).unwrap();
            if random.below(5) == 0 {
                desired.vgws.remove(&slot);
                continue;
            }
            let wish = random.contract();
            let verdict = admit(&wish, slot, &desired, CAPACITY, &fixtures());
            let foreseen = plan(&wish, slot, &desired, CAPACITY, &fixtures());
            let others = desired.vgws.values().filter(|vgw| vgw.slot != slot);
            let all: Vec<&Contract> = others.map(|vgw| &vgw.contract).chain([&wish]).collect();
            let expected = together(&all);
            assert_eq!(
                verdict.is_ok(),
                expected,
                "seed {seed}, run {run}: {verdict:?} of {wish:?} beside {all:?}"
            );
            assert_eq!(foreseen.obstacles.is_empty(), expected);
            if verdict.is_ok() {
                admitted += 1;
                assert_eq!(foreseen.displaced, []);
                desired.vgws.insert(slot, record(slot, wish));
            } else {
                refused += 1;
            }
        }
    }
    assert!(admitted > 300 && refused > 300, "{admitted} {refused}");
}

#[test]
fn the_table_of_programs_is_never_promised_twice() {
    // 192 units less 12 of the core and 4 hands; one program and room for one bundle each.
    let mut desired = Desired::default();
    for number in 0..64 {
        let slot = Slot::new(number).unwrap();
        desired.vgws.insert(slot, record(slot, contract()));
    }
    let add = |desired: &mut Desired, slot: u16, count: u16| {
        for index in 0..count {
            let bundle = bundle(slot, index);
            desired.bundles.insert((bundle.slot, bundle.index), bundle);
        }
    };
    add(&mut desired, 1, 32);
    add(&mut desired, 2, 17);
    let of = |desired: &Desired, slot| desired.vgws[&Slot::new(slot).unwrap()].clone();
    let wish = summary("more", 1);
    assert!(fit(&of(&desired, 2), &desired, &wish).is_ok(), "175 of 176");
    add(&mut desired, 2, 18);
    let refused = fit(&of(&desired, 2), &desired, &wish).expect_err("176 of 176");
    assert_eq!(refused.kind, RefusalKind::NotAdmitted);
    assert!(
        refused.message.contains("176 programs at most"),
        "{refused:?}"
    );
    assert!(
        fit(&of(&desired, 3), &desired, &wish).is_ok(),
        "there is room for everybody's first"
    );
    desired.vgws.remove(&Slot::new(63).unwrap());
    add(&mut desired, 2, 19);
    let slot = Slot::new(63).unwrap();
    let refused = admit(&contract(), slot, &desired, LARGE, &Fixtures::default());
    let refused = refused.expect_err("one place is left, and two are needed");
    assert!(
        refused.message.contains("places for programs"),
        "{refused:?}"
    );
}

/// A box on which only programs are short.
const LARGE: Capacity = Capacity {
    memory: 1 << 40,
    memory_available: 0,
    cores: 4,
    disk: 1 << 40,
    inodes: 1 << 40,
};

fn bundle(slot: u16, index: u16) -> BundleRecord {
    let mut summary = summary(&format!("b{index}"), 1);
    summary.limits.memory = 1 << 10;
    summary.limits.processes = 1;
    summary.unpacked = 0;
    BundleRecord {
        slot: Slot::new(slot).unwrap(),
        index: BundleIndex::new(index).unwrap(),
        held: Held::Installed,
        enabled: true,
        serial: 0,
        volumes: false,
        summary,
        installed: 0,
    }
}
