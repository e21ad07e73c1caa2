//! What stands still in a frozen virtual gateway, and what does not

use limen_proto::control::{ControlError, Verb};
use limen_proto::spec::Readiness;
use limen_proto::state::{Exit, Fault, UnitState};

use super::scenarios::{VGW, report, with_bundles};
use super::world::{STEWARD, World, bundle, slot, start_bundle, start_vgw};
use crate::core::effect::Effect;
use crate::core::state::State;
use crate::core::supervisor::Event;

fn freeze(world: &mut World, frozen: bool) -> Result<(), ControlError> {
    let slot = slot(1);
    world.ask(STEWARD, Verb::Freeze { slot, frozen }, 0)
}

#[test]
fn deadlines_of_frozen_bundles_stand_still() {
    let mut world = with_bundles(1);
    world
        .ask(STEWARD, start_bundle(1, 1, Readiness::Notify), 0)
        .unwrap();
    world.run(bundle(1, 1));
    world.pass(900);
    freeze(&mut world, true).unwrap();
    assert!(world.saw(|effect| *effect == Effect::Freeze(slot(1), true)));
    world.pass(3_600_000);
    assert_eq!(
        world.state(bundle(1, 1)),
        State::Readying,
        "of 1000 ms, 100 are left"
    );
    freeze(&mut world, false).unwrap();
    world.pass(99);
    assert_eq!(world.state(bundle(1, 1)), State::Readying);
    world.pass(1);
    assert_eq!(
        world.core.unit(bundle(1, 1)).unwrap().fault,
        Fault::FailureOnStart
    );
    assert_eq!(world.state(bundle(1, 0)), State::Active);
}

#[test]
fn nothing_is_started_in_a_frozen_vgw_until_it_is_thawed() {
    let mut world = with_bundles(1);
    freeze(&mut world, true).unwrap();
    let refused = world.ask(STEWARD, start_bundle(1, 1, Readiness::Exec), 0);
    assert_eq!(refused, Err(ControlError::Frozen));
    // The kernel may kill what is frozen, for want of memory say.
    world.end(bundle(1, 0), Exit::Signal(9));
    world.empty(bundle(1, 0));
    world.pass(60_000);
    assert_eq!(
        world.state(bundle(1, 0)),
        State::Awaiting,
        "its restart is due"
    );
    freeze(&mut world, false).unwrap();
    assert_eq!(world.state(bundle(1, 0)), State::Building);
}

#[test]
fn a_frozen_bundle_can_be_stopped_by_its_deadline() {
    let mut world = with_bundles(1);
    freeze(&mut world, true).unwrap();
    let unit = bundle(1, 0);
    world.ask(STEWARD, Verb::Stop { unit }, 0).unwrap();
    world.pass(500);
    world.empty(unit);
    assert_eq!(report(&world, unit).0, UnitState::Idle);
}

#[test]
fn a_frozen_vgw_is_thawed_by_its_stop_and_by_the_way_down() {
    for shutdown in [false, true] {
        let mut world = with_bundles(1);
        freeze(&mut world, true).unwrap();
        if shutdown {
            world.tell(Event::Shutdown { reboot: false });
        } else {
            world.ask(STEWARD, Verb::Stop { unit: VGW }, 0).unwrap();
        }
        assert!(world.frozen.is_empty());
        assert_eq!(
            world.state(bundle(1, 0)),
            State::Terminating,
            "asked to end"
        );
        assert!(!world.core.unit(VGW).unwrap().report(0).frozen);
    }
}

#[test]
fn a_vgw_that_dies_frozen_comes_back_frozen_and_its_cgroup_is_thawed_in_between() {
    let mut world = with_bundles(1);
    freeze(&mut world, true).unwrap();
    world.end(VGW, Exit::Signal(9));
    world.empty_all();
    assert!(world.frozen.is_empty(), "the next life is not born frozen");
    world.pass(100);
    world.run(VGW);
    assert!(world.frozen.contains(&slot(1)));
    assert!(world.core.unit(VGW).unwrap().report(0).frozen);
    assert_eq!(world.state(bundle(1, 0)), State::Awaiting);
    freeze(&mut world, false).unwrap();
    assert_eq!(world.state(bundle(1, 0)), State::Building);
}

#[test]
fn only_an_active_vgw_is_frozen() {
    let mut world = World::booted();
    assert_eq!(freeze(&mut world, true), Err(ControlError::Unknown));
    world.ask(STEWARD, start_vgw(1), 0).unwrap();
    assert_eq!(freeze(&mut world, true), Err(ControlError::NoVgw));
    world.run(VGW);
    freeze(&mut world, true).unwrap();
    world.seen.clear();
    freeze(&mut world, true).unwrap();
    assert!(world.seen.is_empty(), "what is so already changes nothing");
}
