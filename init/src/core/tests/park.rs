//! Parked virtual gateways: built while idle, opened by a start, removed by everything else

use limen_proto::control::{ControlError, Verb};
use limen_proto::id::{UnitId, UnitRef};
use limen_proto::posture::Posture;
use limen_proto::state::{Exit, Fault, UnitState};

use super::scenarios::{VGW, report};
use super::world::{BROKER, LOGGER, POLICY, STEWARD, World, slot, start_vgw};
use crate::core::effect::Effect;
use crate::core::state::State;
use crate::core::supervisor::Event;

/// The same spec as that of `start_vgw`.
pub(super) fn park(number: u16) -> Verb {
    let Verb::StartVgw { spec, .. } = start_vgw(number) else {
        panic!("another verb");
    };
    Verb::Park { spec, tag: 5 }
}

fn start(inodes: u32) -> Verb {
    let Verb::StartVgw {
        mut spec, restart, ..
    } = start_vgw(1)
    else {
        panic!("another verb");
    };
    spec.contract.inodes += inodes;
    Verb::StartVgw {
        spec,
        restart,
        tag: 7,
    }
}

const STOP: Verb = Verb::Stop { unit: VGW };

/// The steward has asked, and limen-jail was asked.
fn begun() -> (World, UnitRef) {
    let mut world = World::booted();
    world.ask(STEWARD, park(1), 0).unwrap();
    world.pass(100);
    let life = UnitRef {
        unit: VGW,
        generation: world.spares[&VGW],
    };
    (world, life)
}

fn build(world: &mut World, life: UnitRef) {
    world.tell(Event::Built {
        life,
        pid: 300,
        posture: Posture::default(),
    });
    world.tell(Event::Executed(life));
}

/// It stands.
fn parked() -> (World, UnitRef) {
    let (mut world, life) = begun();
    build(&mut world, life);
    world.seen.clear();
    (world, life)
}

fn stands(world: &World) -> bool {
    world.core.unit(VGW).unwrap().report(0).spare
}

#[test]
fn a_start_opens_what_is_parked() {
    let (mut world, life) = begun();
    let logger = world.life(LOGGER);
    assert!(world.saw(|effect| *effect == Effect::Source(logger, VGW)));
    assert!(!stands(&world), "its reaper is not executed yet");
    build(&mut world, life);
    assert!(stands(&world));
    assert_eq!(report(&world, VGW), (UnitState::Idle, Fault::NoFault, 0));

    world.ask(STEWARD, start(0), 0).unwrap();
    assert!(world.saw(|effect| *effect == Effect::TakeSpare(life)));
    assert!(!world.saw(|effect| matches!(effect, Effect::Build(of) if of.unit == VGW)));
    assert_eq!(world.state(VGW), State::Executing, "closed as yet");
    world.tell(Event::Executed(life));
    assert_eq!(report(&world, VGW), (UnitState::Active, Fault::NoFault, 0));
    let unit = world.core.unit(VGW).unwrap();
    assert_eq!((unit.pid, unit.tag, unit.spent.restarts), (300, 7, 0));
    assert!(!stands(&world));
    for _ in 0..10 {
        world.pass(10_000);
    }
    assert!(world.spares.is_empty(), "two of them have no room");
}

#[test]
fn what_cannot_be_opened_is_removed_and_built_as_ever() {
    let (mut world, life) = parked();
    world.ask(STEWARD, start(0), 0).unwrap();
    world.tell(Event::Failed { life, step: None });
    world.empty_all();
    assert_eq!(world.state(VGW), State::Waiting);
    world.pass(u64::from(POLICY.minimum_wait_ms));
    let life = world.life(VGW);
    assert!(world.saw(|effect| *effect == Effect::Build(life)));
}

#[test]
fn a_start_waits_for_what_is_being_built() {
    let (mut world, life) = begun();
    world.ask(STEWARD, start(0), 0).unwrap();
    assert_eq!(report(&world, VGW).0, UnitState::Starting);
    assert!(!world.saw(|effect| matches!(effect, Effect::TakeSpare(_))));
    build(&mut world, life);
    assert!(world.saw(|effect| *effect == Effect::TakeSpare(life)));
    world.tell(Event::Executed(life));
    assert_eq!(report(&world, VGW), (UnitState::Active, Fault::NoFault, 0));
}

#[test]
fn another_spec_is_built_when_what_was_parked_is_gone() {
    let (mut world, life) = parked();
    world.ask(STEWARD, start(1), 0).unwrap();
    assert!(world.saw(|effect| *effect == Effect::EndSpare(life)));
    assert_eq!(world.state(VGW), State::Awaiting);
    world.empty_all();
    assert!(!world.saw(|effect| matches!(effect, Effect::TakeSpare(_))));
    world.run(VGW);
    assert_eq!(report(&world, VGW), (UnitState::Active, Fault::NoFault, 0));
}

#[test]
fn another_contract_parks_anew() {
    let (mut world, life) = parked();
    world.ask(STEWARD, park(1), 0).unwrap();
    assert!(stands(&world), "the same changes nothing");
    let Verb::StartVgw { spec, .. } = start(1) else {
        panic!("another verb");
    };
    let again = Verb::Park { spec, tag: 6 };
    world.ask(STEWARD, again, 0).unwrap();
    assert!(world.saw(|effect| *effect == Effect::EndSpare(life)));
    world.pass(200);
    assert!(world.spares.is_empty(), "not beside the old one");
    world.empty_all();
    world.pass(100);
    assert_ne!(world.spares[&VGW], life.generation);
}

#[test]
fn a_stop_ends_what_is_parked_and_the_record_goes_when_it_is_gone() {
    let (mut world, life) = parked();
    world.ask(STEWARD, STOP, 0).unwrap();
    assert!(world.saw(|effect| *effect == Effect::EndSpare(life)));
    let forget = || Verb::Forget { unit: VGW };
    assert_eq!(world.ask(STEWARD, forget(), 0), Err(ControlError::Busy));
    world.empty_all();
    for _ in 0..10 {
        world.pass(10_000);
    }
    assert!(world.spares.is_empty());
    world.ask(STEWARD, forget(), 0).unwrap();
    assert!(world.core.unit(VGW).is_none());
}

#[test]
fn forgetting_ends_what_is_parked() {
    let (mut world, life) = parked();
    let forget = || Verb::Forget { unit: VGW };
    assert_eq!(world.ask(STEWARD, forget(), 0), Err(ControlError::Busy));
    assert!(world.saw(|effect| *effect == Effect::EndSpare(life)));
    world.empty_all();
    world.ask(STEWARD, forget(), 0).unwrap();
}

#[test]
fn one_that_dies_parked_is_removed_and_built_again_later() {
    let (mut world, life) = parked();
    world.tell(Event::Ended {
        life,
        exit: Some(Exit::Signal(9)),
    });
    assert!(!stands(&world));
    assert!(world.saw(|effect| *effect == Effect::EndSpare(life)));
    assert_eq!(report(&world, VGW), (UnitState::Idle, Fault::NoFault, 0));
    world.empty_all();
    world.pass(5000);
    assert!(world.spares.is_empty(), "not at once");
    world.pass(5000);
    assert_ne!(world.spares[&VGW], life.generation);
}

/// A second in which nothing else happens: what has a watchdog feeds it.
fn second(world: &mut World) {
    let broker = world.life(BROKER);
    world.tell(Event::Alive(broker));
    world.pass(1000);
}

#[test]
fn one_that_is_never_built_is_tried_less_and_less_often() {
    let (mut world, mut life) = begun();
    let mut waits = Vec::new();
    for _ in 0..9 {
        world.tell(Event::Failed { life, step: None });
        world.empty_all();
        let failed = world.now;
        while !world.spares.contains_key(&VGW) {
            second(&mut world);
        }
        waits.push((world.now - failed) / 1000);
        life.generation = world.spares[&VGW];
    }
    assert_eq!(waits, [10, 20, 40, 80, 160, 320, 600, 600, 600]);

    // What has stood for a minute begins anew, and so does another contract.
    build(&mut world, life);
    (0..60).for_each(|_| second(&mut world));
    world.tell(Event::Ended { life, exit: None });
    world.empty_all();
    (0..10).for_each(|_| second(&mut world));
    life.generation = world.spares[&VGW];
    world.tell(Event::Failed { life, step: None });
    world.empty_all();
    let Verb::StartVgw { spec, .. } = start(1) else {
        panic!("another verb");
    };
    world.ask(STEWARD, Verb::Park { spec, tag: 6 }, 0).unwrap();
    second(&mut world);
    assert!(world.spares.contains_key(&VGW));
}

#[test]
fn one_that_is_never_built_or_never_removed_holds_nothing_up() {
    let (mut world, life) = begun();
    world.pass(u64::from(crate::core::unit::BUILD_WITHIN_MS));
    assert!(world.saw(|effect| *effect == Effect::EndSpare(life)));
    world.ask(STEWARD, start(0), 0).unwrap();
    assert_eq!(world.state(VGW), State::Awaiting);
    world.leaving.clear();
    world.pass(u64::from(crate::core::unit::REMOVE_WITHIN_MS));
    assert_eq!(world.state(VGW), State::Building);
}

#[test]
fn nothing_is_parked_while_something_is_being_started() {
    let mut world = World::booted();
    world.ask(STEWARD, start_vgw(2), 0).unwrap();
    world.ask(STEWARD, park(1), 0).unwrap();
    world.pass(100);
    world.pass(100);
    assert!(world.spares.is_empty());
    world.run(UnitId::Vgw(slot(2)));
    world.pass(100);
    assert!(!world.spares.is_empty());
}

#[test]
fn only_what_is_idle_is_parked() {
    let mut world = World::booted();
    world.ask(STEWARD, start_vgw(1), 0).unwrap();
    world.run(VGW);
    assert_eq!(world.ask(STEWARD, park(1), 0), Err(ControlError::Busy));
    world.ask(STEWARD, STOP, 0).unwrap();
    world.empty_all();
    world.ask(STEWARD, park(1), 0).unwrap();
    world.pass(100);
    assert!(!world.spares.is_empty());
}

#[test]
fn the_box_goes_down_when_what_is_parked_is_gone() {
    let (mut world, life) = parked();
    world
        .ask(STEWARD, Verb::Shutdown { reboot: false }, 0)
        .unwrap();
    assert!(world.saw(|effect| *effect == Effect::EndSpare(life)));
    world.empty_all();
    for _ in 0..20 {
        world.pass(1000);
        world.empty_all();
    }
    assert_eq!(world.finished, Some(false));
    assert!(world.spares.is_empty());
}
