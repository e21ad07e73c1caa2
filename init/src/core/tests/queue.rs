//! The queue at limen-jail: who waits there, for how long, and what becomes of it when limen-jail ends

use limen_proto::control::Verb;
use limen_proto::id::UnitId;
use limen_proto::posture::Posture;
use limen_proto::restart::RestartPolicy;
use limen_proto::spec::Readiness;
use limen_proto::state::{Fault, UnitState};

use super::scenarios::{VGW, report};
use super::world::{STEWARD, World, bundle, slot, start_bundle, start_vgw};
use crate::core::effect::Effect;
use crate::core::state::{After, State};
use crate::core::supervisor::Event;
use crate::core::unit::BUILD_WITHIN_MS;

/// A start that is not repeated.
fn start_once(number: u16) -> Verb {
    let Verb::StartVgw { spec, tag, .. } = start_vgw(number) else {
        panic!("another verb");
    };
    Verb::StartVgw {
        spec,
        restart: RestartPolicy::NEVER,
        tag,
    }
}

fn unbuilt(world: &mut World, unit: UnitId) {
    let life = world.life(unit);
    world.tell(Event::Unbuilt(life));
    world.empty_all();
}

#[test]
fn who_waited_when_limen_jail_ended_is_built_again_whatever_its_policy() {
    let mut world = World::booted();
    world.ask(STEWARD, start_once(1), 0).unwrap();
    let first = world.life(VGW);
    unbuilt(&mut world, VGW);
    let second = world.life(VGW);
    assert_ne!(first, second);
    assert!(world.saw(|effect| *effect == Effect::Build(second)));
    world.run(VGW);
    assert_eq!(report(&world, VGW), (UnitState::Active, Fault::NoFault, 1));
}

#[test]
fn a_second_end_of_limen_jail_is_the_lifes_failure_and_is_told() {
    let mut world = World::booted();
    world.ask(STEWARD, start_once(1), 0).unwrap();
    unbuilt(&mut world, VGW);
    world.seen.clear();
    unbuilt(&mut world, VGW);
    assert_eq!(
        report(&world, VGW),
        (UnitState::Idle, Fault::FailureOnStart, 1)
    );
    assert!(world.saw(|effect| *effect == Effect::Report(VGW)));
    // The next request begins anew.
    world.ask(STEWARD, start_once(1), 0).unwrap();
    unbuilt(&mut world, VGW);
    assert_eq!(world.state(VGW), State::Building);
}

#[test]
fn a_bundle_and_a_core_unit_are_built_again_and_a_hand_fails() {
    let mut world = World::booted();
    world.ask(STEWARD, start_vgw(1), 0).unwrap();
    world.run(VGW);
    let tenant = bundle(1, 0);
    world
        .ask(STEWARD, start_bundle(1, 0, Readiness::Exec), 0)
        .unwrap();
    unbuilt(&mut world, tenant);
    assert_eq!(world.state(tenant), State::Building);
    let hand = Verb::StartHand {
        slot: slot(1),
        run: 0,
    };
    world.ask(STEWARD, hand, 2).unwrap();
    let hand = UnitId::Hand(slot(1), 0);
    let life = world.life(hand);
    world.tell(Event::Unbuilt(life));
    assert_eq!(world.state(hand), State::Clearing(After::Idle));
}

#[test]
fn a_life_that_runs_does_not_care_for_limen_jail() {
    let mut world = World::booted();
    world.ask(STEWARD, start_once(1), 0).unwrap();
    world.run(VGW);
    unbuilt(&mut world, VGW);
    assert_eq!(world.state(VGW), State::Active);
}

#[test]
fn who_waits_behind_others_has_its_time_from_the_last_of_them() {
    let mut world = World::booted();
    for number in 1..=3 {
        world.ask(STEWARD, start_once(number), 0).unwrap();
    }
    let almost = u64::from(BUILD_WITHIN_MS) - 1;
    for number in 1..=2 {
        world.pass(almost);
        let life = world.life(UnitId::Vgw(slot(number)));
        world.tell(Event::Built {
            life,
            pid: 1,
            posture: Posture::default(),
        });
        world.tell(Event::Executed(life));
    }
    world.pass(almost);
    let last = UnitId::Vgw(slot(3));
    assert_eq!(world.state(last), State::Building);
    assert!(!world.saw(|effect| *effect == Effect::LeaveJail));
    world.pass(1);
    assert_eq!(world.state(last), State::Clearing(After::Idle));
    assert!(world.saw(|effect| *effect == Effect::LeaveJail));
}
