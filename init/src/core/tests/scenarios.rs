//! Stories that a person would ask about

use std::collections::BTreeMap;

use limen_proto::control::{ControlError, Verb};
use limen_proto::id::{Generation, UnitId, UnitRef};
use limen_proto::spec::Readiness;
use limen_proto::state::{Exit, Fault, UnitState};
use limen_proto::table::{Network, Role};

use super::world::{
    BROKER, LOGGER, MANAGEMENT, STEWARD, World, bundle, slot, start_bundle, start_vgw, table,
};
use crate::core::effect::Effect;
use crate::core::shutdown::ENDING_MS;
use crate::core::state::State;
use crate::core::supervisor::Event;

pub(super) const VGW: UnitId = UnitId::Vgw(match limen_proto::id::Slot::new(1) {
    Ok(slot) => slot,
    Err(_) => panic!("slot 1 exists"),
});

pub(super) fn with_bundles(count: u16) -> World {
    let mut world = World::booted();
    world.ask(STEWARD, start_vgw(1), 0).unwrap();
    world.run(VGW);
    for index in 0..count {
        world
            .ask(STEWARD, start_bundle(1, index, Readiness::Exec), 0)
            .unwrap();
        world.run(bundle(1, index));
    }
    world.seen.clear();
    world
}

pub(super) fn report(world: &World, unit: UnitId) -> (UnitState, Fault, u32) {
    let report = world.core.unit(unit).unwrap().report(0);
    (report.state, report.fault, report.restarts)
}

#[test]
fn the_core_starts_in_order_and_says_so_once() {
    let world = World::booted();
    let builds: Vec<_> = world
        .seen
        .iter()
        .filter_map(|effect| match effect {
            Effect::Build(life) => Some(life.unit),
            _ => None,
        })
        .collect();
    assert_eq!(builds, [STEWARD, LOGGER, BROKER, MANAGEMENT]);
    let said = world
        .seen
        .iter()
        .filter(|effect| **effect == Effect::CoreActive);
    assert_eq!(said.count(), 1);
    let links = world
        .seen
        .iter()
        .filter(|effect| matches!(effect, Effect::Link(..)));
    assert_eq!(links.count(), 3);
}

#[test]
fn a_killed_steward_comes_back_with_new_links_and_nothing_else_moves() {
    let mut world = with_bundles(2);
    world.end(STEWARD, Exit::Signal(9));
    assert_eq!(
        report(&world, STEWARD),
        (UnitState::Restarting, Fault::FailureWhileActive, 0)
    );
    world.empty(STEWARD);
    assert_eq!(world.state(STEWARD), State::Waiting);
    world.pass(50);
    world.run(STEWARD);
    world.ready(STEWARD);
    assert_eq!(
        report(&world, STEWARD),
        (UnitState::Active, Fault::NoFault, 1)
    );
    let links = world
        .seen
        .iter()
        .filter(|effect| matches!(effect, Effect::Link(..)));
    assert_eq!(links.count(), 3);
    assert_eq!(world.state(bundle(1, 0)), State::Active);
    world.seen.clear();
    world.ask(STEWARD, Verb::List, 0).unwrap();
    let reports = world
        .seen
        .iter()
        .filter(|effect| matches!(effect, Effect::Report(_)));
    assert_eq!(reports.count(), 7);
}

#[test]
fn a_lost_reaper_takes_its_bundles_along_and_brings_them_back() {
    let mut world = with_bundles(3);
    world.end(VGW, Exit::Signal(9));
    for index in 0..3 {
        assert_eq!(
            report(&world, bundle(1, index)),
            (UnitState::Restarting, Fault::DependencyFailure, 0)
        );
    }
    world.empty_all();
    assert_eq!(world.state(VGW), State::Waiting);
    assert_eq!(world.state(bundle(1, 0)), State::Awaiting);
    world.pass(100);
    world.run(VGW);
    for index in 0..3 {
        assert_eq!(world.state(bundle(1, index)), State::Building);
        world.run(bundle(1, index));
        assert_eq!(
            report(&world, bundle(1, index)),
            (UnitState::Active, Fault::NoFault, 1)
        );
    }
}

#[test]
fn bundles_that_die_before_their_reaper_are_not_counted_as_failed() {
    let mut world = with_bundles(1);
    world.end(bundle(1, 0), Exit::Signal(9));
    world.empty(bundle(1, 0));
    world.end(VGW, Exit::Signal(9));
    world.empty_all();
    world.pass(100);
    assert_eq!(world.state(bundle(1, 0)), State::Awaiting);
    world.run(VGW);
    assert_eq!(world.state(bundle(1, 0)), State::Building);
}

#[test]
fn a_crash_loop_backs_off_and_is_given_up() {
    let mut world = with_bundles(1);
    let unit = bundle(1, 0);
    for wait in [100, 200, 400] {
        world.end(unit, Exit::Status(1));
        world.empty(unit);
        world.pass(wait - 1);
        assert_eq!(world.state(unit), State::Waiting);
        world.pass(1);
        world.run(unit);
    }
    world.end(unit, Exit::Status(1));
    world.empty(unit);
    assert_eq!(
        report(&world, unit),
        (UnitState::Idle, Fault::UnStartable, 3)
    );
}

/// Case C-14: a hundred units that failed in the same millisecond do not come back in the same one.
#[test]
fn crash_loops_do_not_come_back_together() {
    let mut world = World::booted();
    world.core.scatter(20_261_120);
    let units: Vec<_> = (1..=4)
        .flat_map(|of| (0..25).map(move |index| bundle(of, index)))
        .collect();
    for of in 1..=4 {
        world.ask(STEWARD, start_vgw(of), 0).unwrap();
        world.run(UnitId::Vgw(slot(of)));
        for index in 0..25 {
            world
                .ask(STEWARD, start_bundle(of, index, Readiness::Exec), 0)
                .unwrap();
            world.run(bundle(of, index));
        }
    }
    for wait in [100, 200, 400] {
        let mut returns = BTreeMap::new();
        for unit in &units {
            world.end(*unit, Exit::Status(1));
            world.empty(*unit);
            let at = world.core.unit(*unit).unwrap().deadline.unwrap();
            *returns.entry(at - world.now).or_insert(0) += 1;
        }
        let (first, last) = (
            *returns.keys().min().unwrap(),
            *returns.keys().max().unwrap(),
        );
        assert!(
            first >= wait && last <= wait + wait / 4,
            "{first} to {last}"
        );
        assert!(returns.len() >= 20, "{returns:?}");
        assert!(
            returns.values().all(|together| *together <= 12),
            "{returns:?}"
        );
        world.pass(wait + wait / 4);
        units.iter().for_each(|unit| world.run(*unit));
    }
}

#[test]
fn a_life_that_was_long_enough_begins_the_count_anew() {
    let mut world = with_bundles(1);
    let unit = bundle(1, 0);
    for _ in 0..10 {
        world.pass(5000);
        world.end(unit, Exit::Status(1));
        world.empty(unit);
        world.pass(100);
        world.run(unit);
    }
    assert_eq!(
        report(&world, unit),
        (UnitState::Active, Fault::NoFault, 10)
    );
}

#[test]
fn a_program_that_never_says_ready_is_ended() {
    let mut world = with_bundles(0);
    let unit = bundle(1, 4);
    world
        .ask(STEWARD, start_bundle(1, 4, Readiness::Notify), 0)
        .unwrap();
    world.run(unit);
    assert_eq!(report(&world, unit).0, UnitState::Starting);
    world.pass(1000);
    assert_eq!(
        report(&world, unit),
        (UnitState::Restarting, Fault::FailureOnStart, 0)
    );
}

#[test]
fn a_program_that_ignores_sigterm_is_killed() {
    let mut world = with_bundles(1);
    let unit = bundle(1, 0);
    world.ask(STEWARD, Verb::Stop { unit }, 0).unwrap();
    assert!(world.terminated.contains(&unit));
    world.pass(500);
    assert_eq!(report(&world, unit).1, Fault::FailureOnStop);
    world.empty(unit);
    assert_eq!(report(&world, unit).0, UnitState::Idle);
}

#[test]
fn a_virtual_gateway_ends_after_its_bundles() {
    let mut world = with_bundles(2);
    world.ask(STEWARD, Verb::Stop { unit: VGW }, 0).unwrap();
    assert_eq!(world.state(VGW), State::Draining);
    for index in 0..2 {
        world.end(bundle(1, index), Exit::Status(0));
        world.empty(bundle(1, index));
    }
    assert!(world.cleared.contains(&VGW));
    world.empty_all();
    assert_eq!(world.state(VGW), State::Idle);
    let vgw = Verb::Forget { unit: VGW };
    assert_eq!(world.ask(STEWARD, vgw.clone(), 0), Err(ControlError::Busy));
    for index in 0..2 {
        let unit = bundle(1, index);
        world.ask(STEWARD, Verb::Forget { unit }, 0).unwrap();
    }
    world.ask(STEWARD, vgw, 0).unwrap();
    assert!(world.core.unit(VGW).is_none());
}

#[test]
fn what_needs_the_network_waits_until_it_is_prepared() {
    let mut world = World::new(Box::default());
    let mut table = table();
    table.units.last_mut().unwrap().role = Role::Plain;
    table.units.last_mut().unwrap().network = Network::Host;
    world.core.boot(&table, 0, world.now);
    world.carry_out();
    let dhcp = UnitId::Core(4);
    world.run(STEWARD);
    world.ready(STEWARD);
    world.ask(STEWARD, start_vgw(1), 0).unwrap();
    for unit in [dhcp, VGW] {
        assert_eq!(world.state(unit), State::Awaiting);
    }
    world.tell(Event::Prepared);
    for unit in [dhcp, VGW] {
        assert_eq!(world.state(unit), State::Building);
        assert_eq!(world.core.unit(unit).unwrap().restarts, 0);
    }
}

#[test]
fn a_bundle_needs_its_virtual_gateway() {
    let mut world = World::booted();
    let early = world.ask(STEWARD, start_bundle(1, 0, Readiness::Exec), 0);
    assert_eq!(early, Err(ControlError::NoVgw));
    assert!(world.core.unit(bundle(1, 0)).is_none());
}

#[test]
fn a_silent_watchdog_ends_the_broker() {
    let mut world = World::booted();
    world.pass(1500);
    let life = world.life(BROKER);
    world.tell(Event::Alive(life));
    world.pass(1500);
    assert_eq!(world.state(BROKER), State::Active);
    world.pass(500);
    assert_eq!(
        report(&world, BROKER),
        (UnitState::Restarting, Fault::FailureWhileActive, 0)
    );
}

#[test]
fn each_end_has_its_own_verbs() {
    let mut world = with_bundles(1);
    let forbidden = Err(ControlError::Forbidden);
    for from in [LOGGER, BROKER, MANAGEMENT] {
        assert_eq!(world.ask(from, start_vgw(2), 0), forbidden);
        assert_eq!(world.ask(from, Verb::List, 0), forbidden);
        assert_eq!(
            world.ask(from, Verb::Shutdown { reboot: true }, 0),
            forbidden
        );
        assert_eq!(world.ask(from, Verb::Stop { unit: VGW }, 0), forbidden);
        assert_eq!(world.ask(from, Verb::Kill { unit: VGW }, 0), forbidden);
        assert_eq!(world.ask(from, Verb::Watchdog, 0), Ok(()));
    }
    assert_eq!(
        world.ask(STEWARD, Verb::Drop { reference: 1 }, 0),
        forbidden
    );
    assert_eq!(
        world.ask(STEWARD, Verb::Stop { unit: BROKER }, 0),
        forbidden
    );
    assert_eq!(
        world.ask(STEWARD, Verb::Forget { unit: BROKER }, 0),
        forbidden
    );
    let hand = Verb::StartHand {
        slot: slot(1),
        run: 0,
    };
    assert_eq!(
        world.ask(STEWARD, hand.clone(), 1),
        Err(ControlError::Descriptors)
    );
    assert_eq!(world.ask(STEWARD, hand, 2), Ok(()));
    assert_eq!(world.ask(STEWARD, start_vgw(1), 0), Err(ControlError::Busy));
    let unknown = Verb::Stop { unit: bundle(3, 3) };
    assert_eq!(world.ask(STEWARD, unknown, 0), Err(ControlError::Unknown));
}

#[test]
fn a_word_about_an_earlier_life_changes_nothing() {
    let mut world = with_bundles(1);
    let old = UnitRef {
        unit: bundle(1, 0),
        generation: Generation(1),
    };
    world.tell(Event::Ended {
        life: old,
        exit: None,
    });
    world.tell(Event::Emptied(old));
    assert_eq!(world.state(bundle(1, 0)), State::Active);
}

#[test]
fn a_hand_reports_and_is_forgotten() {
    let mut world = with_bundles(0);
    let unit = UnitId::Hand(slot(1), 9);
    let hand = Verb::StartHand {
        slot: slot(1),
        run: 9,
    };
    world.ask(STEWARD, hand, 2).unwrap();
    world.run(unit);
    world.ready(unit);
    world.end(unit, Exit::Status(0));
    world.empty(unit);
    assert_eq!(report(&world, unit), (UnitState::Idle, Fault::NoFault, 0));
    world.pass(1);
    assert!(world.core.unit(unit).is_none());
    assert!(world.saw(|effect| *effect == Effect::Forget(unit)));
}

fn store(world: &World, reference: u64) -> Verb {
    Verb::Store {
        reference,
        caller: world.life(bundle(1, 0)),
        service: world.life(bundle(1, 1)),
        service_id: 5,
        grant: 0,
    }
}

#[test]
fn a_reference_outlives_the_broker_and_not_its_units() {
    let mut world = with_bundles(3);
    let verb = store(&world, 1);
    world.ask(BROKER, verb, 1).unwrap();
    world.end(BROKER, Exit::Signal(9));
    world.empty(BROKER);
    world.end(bundle(1, 2), Exit::Status(1));
    assert!(world.stored.contains(&1), "a third unit's end is no reason");
    world.pass(50);
    world.run(BROKER);
    let broker = world.life(BROKER);
    assert!(world.saw(|effect| *effect == Effect::Stored(broker, 1)));
    world.ready(BROKER);

    // While a broker is there it is told, and closes.
    let over = world.life(bundle(1, 1));
    world.end(bundle(1, 1), Exit::Status(1));
    assert!(world.saw(|effect| *effect == Effect::Ended(broker, over)));
    assert!(world.stored.contains(&1));
    // While none is there, init closes.
    world.end(BROKER, Exit::Signal(9));
    world.end(bundle(1, 0), Exit::Status(1));
    assert!(world.stored.is_empty());
}

#[test]
fn a_new_broker_gets_the_listeners_of_what_runs() {
    let mut world = with_bundles(2);
    world.end(BROKER, Exit::Signal(9));
    world.empty(BROKER);
    world.pass(50);
    world.run(BROKER);
    let broker = world.life(BROKER);
    for index in 0..2 {
        let life = world.life(bundle(1, index));
        assert!(world.saw(|effect| *effect == Effect::Listener(broker, life)));
    }
}

#[test]
fn the_way_down_keeps_its_order() {
    let mut world = with_bundles(2);
    world
        .ask(STEWARD, Verb::Shutdown { reboot: true }, 0)
        .unwrap();
    assert_eq!(
        world.ask(STEWARD, start_vgw(2), 0),
        Err(ControlError::ShuttingDown)
    );
    let mut order = Vec::new();
    while world.finished.is_none() {
        let next: Vec<_> = world.terminated.iter().copied().collect();
        for unit in next {
            if world.lives.contains_key(&unit) && world.state(unit) == State::Terminating {
                order.push(unit);
                world.end(unit, Exit::Status(0));
            }
        }
        world.empty_all();
    }
    assert_eq!(
        order,
        [
            bundle(1, 0),
            bundle(1, 1),
            MANAGEMENT,
            BROKER,
            STEWARD,
            LOGGER
        ]
    );
    assert_eq!(world.finished, Some(true));
    assert!(world.lives.is_empty());
}

#[test]
fn a_box_in_which_nothing_ends_goes_down_all_the_same() {
    let mut world = with_bundles(2);
    let begun = world.now;
    world.tell(Event::Shutdown { reboot: false });
    while world.finished.is_none() {
        let due = world.core.next_deadline().expect("something is waited for");
        let wait = due.saturating_sub(world.now).max(1);
        world.pass(wait);
    }
    assert!(world.now - begun <= ENDING_MS + 500);
}
