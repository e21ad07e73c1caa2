//! Spares: built in time, taken by a restart, and nobody's failure but their own

use limen_proto::control::Verb;
use limen_proto::id::{UnitId, UnitRef};
use limen_proto::posture::Posture;
use limen_proto::spec::Readiness;
use limen_proto::state::{Exit, Fault, UnitState};

use super::scenarios::{VGW, report};
use super::world::{BROKER, STEWARD, World, bundle, slot, start_bundle, start_vgw};
use crate::core::effect::Effect;
use crate::core::state::State;
use crate::core::supervisor::Event;

/// An active bundle whose manifest asks for a spare, under a contract that is warm or not.
fn with_spare(warm: bool) -> World {
    let mut world = World::booted();
    let Verb::StartVgw {
        mut spec,
        restart,
        tag,
    } = start_vgw(1)
    else {
        panic!("another verb");
    };
    spec.contract.warm = warm;
    world
        .ask(STEWARD, Verb::StartVgw { spec, restart, tag }, 0)
        .unwrap();
    world.run(VGW);
    let Verb::StartBundle {
        mut spec,
        restart,
        tag,
    } = start_bundle(1, 0, Readiness::Exec)
    else {
        panic!("another verb");
    };
    spec.spare = true;
    world
        .ask(STEWARD, Verb::StartBundle { spec, restart, tag }, 0)
        .unwrap();
    world.run(bundle(1, 0));
    world.seen.clear();
    world
}

/// The life that was begun ahead.
fn ahead(world: &World) -> UnitRef {
    let unit = bundle(1, 0);
    UnitRef {
        unit,
        generation: world.spares[&unit],
    }
}

const fn stop(unit: UnitId) -> Verb {
    Verb::Stop { unit }
}

/// It was executed, and is held.
fn hold(world: &mut World) -> UnitRef {
    world.pass(100);
    let life = ahead(world);
    world.tell(Event::Built {
        life,
        pid: 200,
        posture: Posture::default(),
    });
    let unit = world.core.unit(bundle(1, 0)).unwrap();
    assert!(!unit.report(0).spare, "its program is not executed yet");
    world.tell(Event::Executed(life));
    life
}

#[test]
fn a_restart_takes_the_spare_and_another_is_built() {
    let mut world = with_spare(true);
    let unit = bundle(1, 0);
    assert!(
        world.spares.is_empty(),
        "the bundle's own start comes first"
    );
    let spare = hold(&mut world);
    assert!(world.core.unit(unit).unwrap().report(0).spare);

    let before = world.life(unit);
    world.end(unit, Exit::Signal(11));
    world.empty(unit);
    world.pass(200);
    assert!(world.saw(|effect| *effect == Effect::TakeSpare(spare)));
    assert!(!world.saw(|effect| matches!(effect, Effect::Build(_))));
    let broker = world.life(BROKER);
    assert!(world.saw(|effect| *effect == Effect::Listener(broker, spare)));
    assert_eq!(world.life(unit), spare);
    assert_ne!(before, spare);
    assert_eq!(world.core.unit(unit).unwrap().pid, 200);
    assert_eq!(world.state(unit), State::Executing);

    world.tell(Event::Executed(spare));
    assert_eq!(report(&world, unit), (UnitState::Active, Fault::NoFault, 1));
    assert_eq!(world.core.unit(unit).unwrap().spent.restarts, 1);
    world.pass(100);
    assert_ne!(ahead(&world), spare);
}

#[test]
fn a_spare_that_dies_is_no_failure_of_its_bundle() {
    let mut world = with_spare(true);
    let unit = bundle(1, 0);
    let spare = hold(&mut world);
    let whole = report(&world, unit);
    world.tell(Event::Ended {
        life: spare,
        exit: Some(Exit::Signal(9)),
    });
    assert_eq!(report(&world, unit), whole);
    assert!(world.saw(|effect| *effect == Effect::EndSpare(spare)));
    assert!(!world.core.unit(unit).unwrap().report(0).spare);
    world.pass(5000);
    assert!(world.spares.is_empty(), "not at once");
    world.pass(5000);
    assert_ne!(ahead(&world), spare);
}

#[test]
fn a_spare_that_is_never_built_is_ended_and_tried_again() {
    let mut world = with_spare(true);
    world.pass(100);
    let spare = ahead(&world);
    world.pass(u64::from(crate::core::unit::BUILD_WITHIN_MS));
    assert!(world.saw(|effect| *effect == Effect::EndSpare(spare)));
    world.pass(10_000);
    assert_ne!(ahead(&world), spare);
}

#[test]
fn a_restart_without_a_spare_that_is_ready_is_an_ordinary_one() {
    let mut world = with_spare(true);
    let unit = bundle(1, 0);
    world.pass(100);
    let spare = ahead(&world);
    world.end(unit, Exit::Signal(11));
    world.empty(unit);
    world.pass(200);
    assert!(world.saw(|effect| *effect == Effect::EndSpare(spare)));
    let life = world.life(unit);
    assert!(world.saw(|effect| *effect == Effect::Build(life)));
}

#[test]
fn whatever_ends_a_bundle_ends_its_spare() {
    let ways: [fn(&mut World); 3] = [
        |world| {
            world.ask(STEWARD, stop(bundle(1, 0)), 0).unwrap();
        },
        |world| {
            world.ask(STEWARD, stop(VGW), 0).unwrap();
        },
        |world| world.end(VGW, Exit::Signal(9)),
    ];
    for way in ways {
        let mut world = with_spare(true);
        let spare = hold(&mut world);
        way(&mut world);
        assert!(world.saw(|effect| *effect == Effect::EndSpare(spare)));
        assert!(world.spares.is_empty());
    }
}

#[test]
fn nothing_is_built_ahead_in_a_frozen_vgw() {
    let mut world = with_spare(true);
    let freeze = |frozen| Verb::Freeze {
        slot: slot(1),
        frozen,
    };
    world.ask(STEWARD, freeze(true), 0).unwrap();
    world.pass(100);
    world.pass(60_000);
    assert!(world.spares.is_empty());
    world.ask(STEWARD, freeze(false), 0).unwrap();
    world.pass(10_000);
    assert!(!world.spares.is_empty());
}

#[test]
fn without_a_warm_contract_there_is_no_spare() {
    let mut world = with_spare(false);
    for _ in 0..10 {
        world.pass(10_000);
    }
    assert!(world.spares.is_empty());
    assert_eq!(world.state(UnitId::Vgw(slot(1))), State::Active);
}
