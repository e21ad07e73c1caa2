//! Who comes first when the box comes up

use limen_proto::id::{Slot, UnitId};
use limen_proto::state::Exit;

use super::scenarios::VGW;
use super::world::{BROKER, LOGGER, MANAGEMENT, STEWARD, World, start_vgw, table};
use crate::core::precedence::HELD_MS;
use crate::core::state::State;
use crate::core::supervisor::{Event, Supervisor};

const OTHERS: [UnitId; 3] = [LOGGER, BROKER, MANAGEMENT];
const SECOND: UnitId = UnitId::Vgw(match Slot::new(2) {
    Ok(slot) => slot,
    Err(_) => panic!("slot 2 exists"),
});

fn begun() -> World {
    let mut world = World::new(Box::<Supervisor>::default());
    world.core.boot(&table(), 0, world.now);
    world.carry_out();
    world
}

/// A box whose steward has asked for two virtual gateways, and said that it serves.
fn asked() -> World {
    let mut world = begun();
    world.run(STEWARD);
    world.ask(STEWARD, start_vgw(1), 0).unwrap();
    world.ask(STEWARD, start_vgw(2), 0).unwrap();
    world.ready(STEWARD);
    world
}

fn wait(world: &World) -> bool {
    let states = OTHERS.map(|unit| world.state(unit));
    let all = |which: State| states.iter().all(|state| *state == which);
    assert!(all(State::Awaiting) || all(State::Building), "{states:?}");
    all(State::Awaiting)
}

#[test]
fn the_core_waits_until_the_last_virtual_gateway_is_up() {
    let mut world = asked();
    assert!(wait(&world));
    assert_eq!(world.state(VGW), State::Awaiting, "no network yet");
    world.tell(Event::Prepared);
    assert!(wait(&world));
    world.run(SECOND);
    assert!(wait(&world));
    world.run(VGW);
    assert!(!wait(&world));
}

#[test]
fn without_virtual_gateways_it_waits_for_the_steward_alone() {
    let mut world = begun();
    world.tell(Event::Prepared);
    world.run(STEWARD);
    assert!(wait(&world));
    world.ready(STEWARD);
    assert!(!wait(&world));
}

#[test]
fn a_virtual_gateway_that_fails_holds_nobody() {
    let mut world = asked();
    world.tell(Event::Prepared);
    world.run(VGW);
    world.tell(Event::Failed {
        life: world.life(SECOND),
        step: None,
    });
    assert!(!wait(&world));
}

#[test]
fn neither_does_a_steward_that_fails() {
    let mut world = begun();
    world.tell(Event::Prepared);
    world.run(STEWARD);
    world.end(STEWARD, Exit::Status(1));
    assert!(!wait(&world));
}

#[test]
fn a_steward_that_says_nothing_holds_the_core_for_a_while() {
    let mut world = begun();
    world.tell(Event::Prepared);
    world.run(STEWARD);
    assert_eq!(world.core.next_deadline(), Some(world.now + HELD_MS));
    world.pass(HELD_MS - 1);
    assert!(wait(&world));
    world.pass(1);
    assert!(!wait(&world));
}

#[test]
fn who_restarts_later_waits_for_nobody() {
    let mut world = World::booted();
    world.ask(STEWARD, start_vgw(1), 0).unwrap();
    world.end(BROKER, Exit::Status(1));
    world.empty(BROKER);
    world.pass(60_000);
    assert_eq!(
        world.state(VGW),
        State::Clearing(crate::core::state::After::Restart)
    );
    assert_eq!(world.state(BROKER), State::Building);
}

#[test]
fn a_box_that_goes_down_before_it_is_up_starts_nothing_more() {
    let mut world = begun();
    world.tell(Event::Shutdown { reboot: false });
    world.pass(HELD_MS);
    world.tell(Event::Prepared);
    assert!(OTHERS.iter().all(|unit| !world.lives.contains_key(unit)));
    world.empty_all();
    assert_eq!(world.finished, Some(false));
}
