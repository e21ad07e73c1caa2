//! A changed contract, and the shares of it

use limen_proto::contract::{Guarantees, Limits};
use limen_proto::control::{ControlError, Verb};
use limen_proto::id::BundleIndex;
use limen_proto::spec::{BundleShare, Storage};
use limen_proto::state::Exit;

use super::scenarios::{VGW, with_bundles};
use super::world::{STEWARD, World, bundle, contract, slot, start_vgw};
use crate::core::effect::Effect;
use crate::core::state::State;

fn adjust(world: &mut World, processes: u32) -> Result<(), ControlError> {
    let share = |index| BundleShare {
        index: BundleIndex::new(index).unwrap(),
        limits: Limits {
            processes,
            ..Limits::ORDINARY
        },
        guarantees: Guarantees::default(),
        storage: Storage::default(),
    };
    let mut contract = contract();
    contract.limits.processes = processes;
    let verb = Verb::Adjust {
        slot: slot(1),
        contract,
        // The second is no bundle of this virtual gateway.
        shares: [share(0), share(9)].into_iter().collect(),
    };
    world.ask(STEWARD, verb, 0)
}

fn processes(world: &World) -> [u32; 2] {
    let unit = |id| world.core.unit(id).unwrap();
    let share = unit(bundle(1, 0)).share_in(slot(1)).unwrap();
    [
        unit(VGW).contract().unwrap().limits.processes,
        share.limits.processes,
    ]
}

#[test]
fn what_is_started_again_has_the_share_that_was_set_last() {
    let mut world = with_bundles(1);
    adjust(&mut world, 77).unwrap();
    assert!(world.saw(|effect| *effect == Effect::Adjust(slot(1))));
    assert_eq!(processes(&world), [77, 77]);
    world.end(bundle(1, 0), Exit::Status(1));
    world.empty(bundle(1, 0));
    assert_eq!(world.state(bundle(1, 0)), State::Waiting);
    adjust(&mut world, 78).unwrap();
    assert_eq!(processes(&world), [78, 78], "also what waits to be started");
    let other = world.core.unit(bundle(1, 0)).unwrap().share_in(slot(2));
    assert_eq!(other, None);
}

#[test]
fn only_a_vgw_that_is_active_is_adjusted() {
    let mut world = World::booted();
    assert_eq!(adjust(&mut world, 77), Err(ControlError::Unknown));
    world.ask(STEWARD, start_vgw(1), 0).unwrap();
    assert_eq!(adjust(&mut world, 77), Err(ControlError::NoVgw));
}
