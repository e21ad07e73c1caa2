//! Histories that nobody thought of
//!
//! Random calls, a box that behaves in random manners, stewards that are killed and power that
//! fails in between. Whatever happened, a box that behaves again comes to rest with what is wanted
//! running, nothing else running, no work left, and every call answered once (the house asserts
//! that, and that memory and disk agree, after each input).

use limen_proto::id::UnitId;
use limen_proto::manage::{Caller, Verb};
use limen_proto::state::{Fault, UnitState};

use super::house::*;
use crate::core::desired::{Held, Phase};

const SEEDS: u64 = 150;
const STEPS: usize = 60;

struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        let place = self.below(list.len() as u64);
        list[usize::try_from(place).unwrap()]
    }
}

fn verb(random: &mut Random) -> (Caller, Verb) {
    let owner = random.of(&["energy", "alarm", "core"]);
    let bundle = name(random.of(&["web", "meter", "late"]));
    let own = name(owner);
    let authority = match owner {
        "energy" => ENERGY_CA,
        "alarm" => ALARM_CA,
        _ => THIRD_CA,
    };
    let yes = random.below(2) == 0;
    let of_operator = match random.below(14) {
        0..3 => Verb::CreateVgw {
            provider: own,
            contract: contract(),
            authority: authority.to_owned(),
            keys: vec![KEY.to_owned()],
        },
        3 => Verb::StopVgw { provider: own },
        4 => Verb::StartVgw { provider: own },
        5 => Verb::RestartVgw { provider: own },
        8 => Verb::FreezeVgw { provider: own },
        9 => Verb::ThawVgw { provider: own },
        6 if random.below(3) == 0 => Verb::RemoveVgw {
            provider: own,
            discard_volumes: yes,
        },
        7 => Verb::SetContract {
            provider: own,
            contract: contract(),
        },
        _ => {
            let of_provider = match random.below(8) {
                0..4 => Verb::InstallBundle,
                4 => Verb::StopBundle { name: bundle },
                5 => Verb::StartBundle { name: bundle },
                6 => Verb::RestartBundle { name: bundle },
                _ => Verb::UninstallBundle {
                    name: bundle,
                    keep_volumes: yes,
                },
            };
            return (provider(owner), of_provider);
        }
    };
    (Caller::Operator, of_operator)
}

fn step(house: House, random: &mut Random) -> House {
    let mut house = house;
    let mut wish = summary(random.of(&["web", "meter", "late"]), 1 + random.below(4));
    if random.below(2) == 0 {
        wish.volumes = vec![volume("data")];
    }
    house.upload = Some(wish);
    house.manner = random.of(&[
        Manner::Good,
        Manner::Good,
        Manner::Good,
        Manner::Failing,
        Manner::Silent,
        Manner::Dying,
        Manner::Untrusted,
    ]);
    house.disk.broken = random.below(12) == 0;
    match random.below(14) {
        0 => {
            house.disk.broken = false;
            house.restart_steward()
        }
        1 => {
            house.disk.broken = false;
            house.cut_power()
        }
        2 | 3 => {
            house.pass(random.of(&[1, 1_000, 40_000, 200_000]));
            house
        }
        4 => {
            let units: Vec<UnitId> = house.units.keys().copied().collect();
            if !units.is_empty() {
                let unit = random.of(&units);
                for other in units {
                    // A virtual gateway takes its bundles along.
                    if matches!(unit, UnitId::Vgw(_)) && other.slot() == unit.slot() {
                        house.change(other, UnitState::Idle, Fault::DependencyFailure);
                    }
                }
                house.change(unit, UnitState::Idle, Fault::UnStartable);
                house.feed(crate::core::turn::Input::Tick);
            }
            house
        }
        _ => {
            let (caller, verb) = verb(random);
            house.ask(caller, verb);
            house
        }
    }
}

/// A box that behaves, for long enough.
fn rest(house: House) -> House {
    let mut house = house;
    house.manner = Manner::Good;
    house.disk.broken = false;
    house.upload = Some(summary("web", 9));
    house = house.restart_steward();
    for _ in 0..40 {
        house.pass(30_000);
    }
    house
}

#[test]
fn a_box_that_behaves_again_comes_to_rest_as_wanted() {
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        let mut house = House::new();
        for _ in 0..STEPS {
            house = step(house, &mut random);
        }
        let house = rest(house);
        let desired = &house.disk.desired;
        assert!(desired.leftovers.is_empty(), "seed {seed}: files of nobody");
        for vgw in desired.vgws.values() {
            assert_eq!(vgw.phase, Phase::Standing, "seed {seed}: {vgw:?}");
        }
        for bundle in desired.bundles.values() {
            assert!(!bundle.is_leaving(), "seed {seed}: {bundle:?}");
        }
        for (unit, report) in &house.units {
            let wanted = match unit {
                UnitId::Vgw(slot) => desired.vgws.get(slot).is_some_and(|vgw| vgw.enabled),
                UnitId::Bundle(slot, index) => {
                    // One that gave up takes its bundles along.
                    let home = house.units.get(&UnitId::Vgw(*slot));
                    let vgw = home.is_some_and(|home| home.state == UnitState::Active);
                    let bundle = desired.bundles.get(&(*slot, *index));
                    vgw && bundle
                        .is_some_and(|bundle| bundle.enabled && bundle.held == Held::Installed)
                }
                UnitId::Core(_) | UnitId::Hand(..) => true,
            };
            let given_up = report.fault == Fault::UnStartable;
            assert_eq!(
                report.state == UnitState::Active,
                wanted && !given_up,
                "seed {seed}: {report:?}"
            );
        }
        for vgw in desired.vgws.values().filter(|vgw| vgw.enabled) {
            assert!(
                house.units.contains_key(&UnitId::Vgw(vgw.slot)),
                "seed {seed}"
            );
        }
    }
}
