//! A hundred thousand other stories
//!
//! Random events in a random order, from a seed that is printed. The world panics when two lives of
//! a unit exist at once, when a life is released alive, when a bundle is built without its virtual
//! gateway; here the rest is looked at after every step.

use limen_proto::control::Verb;
use limen_proto::id::{UnitId, UnitRef};
use limen_proto::posture::Posture;
use limen_proto::spec::Readiness;
use limen_proto::state::Exit;
use limen_proto::table::Role;

use super::park::park;
use super::world::{BROKER, STEWARD, Stage, World, bundle, slot, start_bundle, start_vgw};
use crate::core::state::{After, State};
use crate::core::supervisor::Event;

const STEPS: u32 = 100_000;

/// xorshift64*, from Vigna, "An experimental exploration of Marsaglia's xorshift generators".
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % sides
    }

    fn unit(&mut self) -> UnitId {
        let of = u16::try_from(self.roll(3)).unwrap();
        let index = u16::try_from(self.roll(3)).unwrap();
        match self.roll(6) {
            0 => UnitId::Core(u8::try_from(self.roll(4)).unwrap()),
            1 | 2 => UnitId::Vgw(slot(of)),
            _ => bundle(of, index),
        }
    }
}

fn seed() -> u64 {
    let seed = std::env::var("LIMEN_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| {
            let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            u64::from(time.unwrap().subsec_nanos()) | 1
        });
    println!("LIMEN_SEED={seed}");
    seed
}

#[test]
fn no_order_of_events_breaks_a_promise() {
    let mut dice = Dice(seed());
    let mut world = World::booted();
    let mut reference = 0;
    for _ in 0..STEPS {
        ask_something(&mut world, &mut dice, &mut reference);
        let_something_happen(&mut world, &mut dice);
        world.seen.clear();
        check(&world);
    }
    finish(&mut world, &mut dice);
}

fn ask_something(world: &mut World, dice: &mut Dice, reference: &mut u64) {
    let of = u16::try_from(dice.roll(3)).unwrap();
    let index = u16::try_from(dice.roll(3)).unwrap();
    let readiness = if dice.roll(2) == 0 {
        Readiness::Exec
    } else {
        Readiness::Notify
    };
    let unit = dice.unit();
    let (from, verb, attached) = match dice.roll(24) {
        0 | 1 => (STEWARD, start_vgw(of), 0),
        2..=4 => (STEWARD, start_bundle(of, index, readiness), 0),
        5 => (STEWARD, Verb::Stop { unit }, 0),
        6 => (STEWARD, Verb::Forget { unit }, 0),
        7 => (STEWARD, Verb::Kill { unit }, 0),
        8 => {
            let run = u8::try_from(index).unwrap();
            (
                STEWARD,
                Verb::StartHand {
                    slot: slot(of),
                    run,
                },
                2,
            )
        }
        9 | 10 => {
            *reference += 1;
            let (Some(caller), Some(service)) = (
                world.core.unit(bundle(of, index)).map(|one| one.life()),
                world.core.unit(bundle(of, 0)).map(|one| one.life()),
            ) else {
                return;
            };
            let store = Verb::Store {
                reference: *reference,
                caller,
                service,
                service_id: 0,
                grant: 0,
            };
            (BROKER, store, 1)
        }
        11 => {
            let reference = dice.roll(*reference + 1);
            (BROKER, Verb::Drop { reference }, 0)
        }
        12 => (STEWARD, Verb::List, 0),
        13 | 14 => {
            let verb = Verb::Freeze {
                slot: slot(of),
                frozen: dice.roll(2) == 0,
            };
            (STEWARD, verb, 0)
        }
        15 => (STEWARD, park(of), 0),
        _ => return,
    };
    let _ = world.ask(from, verb, attached);
}

fn let_something_happen(world: &mut World, dice: &mut Dice) {
    let lives: Vec<UnitId> = world.lives.keys().copied().collect();
    let number = dice.roll(lives.len().max(1) as u64);
    if let Some(unit) = lives.get(usize::try_from(number).unwrap()).copied() {
        live_on(world, dice, unit);
    }
    if dice.roll(3) == 0
        && let Some(unit) = world.removing.first().copied()
    {
        world.removed(unit);
    }
    if dice.roll(3) == 0
        && let Some((unit, generation)) = world.leaving.pop_first()
    {
        world.tell(Event::Removed(UnitRef { unit, generation }));
    }
    if dice.roll(2) == 0
        && let Some((unit, generation)) = world.spares.first_key_value()
    {
        let life = UnitRef {
            unit: *unit,
            generation: *generation,
        };
        ahead(world, dice, life);
    }
    if dice.roll(4) == 0 {
        let millis = dice.roll(400);
        world.pass(millis);
    }
}

/// Something happens to a life that was begun ahead.
fn ahead(world: &mut World, dice: &mut Dice, life: UnitRef) {
    let event = match dice.roll(9) {
        0 => Event::Failed { life, step: None },
        8 => Event::Unbuilt(life),
        1 => Event::Ended {
            life,
            exit: Some(Exit::Signal(9)),
        },
        2 | 3 => Event::Executed(life),
        _ => Event::Built {
            life,
            pid: 2,
            posture: Posture::default(),
        },
    };
    world.tell(event);
}

fn live_on(world: &mut World, dice: &mut Dice, unit: UnitId) {
    if world.cleared.contains(&unit) && dice.roll(3) > 0 {
        return world.empty(unit);
    }
    let held = unit.slot().is_some_and(|slot| world.frozen.contains(&slot));
    let tenant = matches!(unit, UnitId::Vgw(_) | UnitId::Bundle(..));
    if held && tenant && dice.roll(10) > 0 {
        return;
    }
    let life = world.life(unit);
    match (world.lives[&unit].1, dice.roll(10)) {
        (Stage::Jailing, 0) => world.tell(Event::Failed { life, step: None }),
        (Stage::Jailing, 1) => world.tell(Event::Unbuilt(life)),
        (Stage::Jailing, 2..) => {
            world.advance(unit, Stage::Made);
            world.tell(Event::Built {
                life,
                pid: 1,
                posture: Posture::default(),
            });
        }
        (Stage::Made, 0) | (Stage::Running, 0 | 1) => world.end(unit, Exit::Signal(11)),
        (Stage::Made, 1) => world.tell(Event::Ready(life)),
        (Stage::Made, 2..) => {
            world.advance(unit, Stage::Running);
            world.tell(Event::Executed(life));
        }
        (Stage::Running, 2) => world.end(unit, Exit::Status(0)),
        (Stage::Running, 3) if world.terminated.contains(&unit) => {
            world.end(unit, Exit::Status(0));
        }
        (Stage::Running, 3..=6) => world.tell(Event::Ready(life)),
        (Stage::Running, _) => world.tell(Event::Alive(life)),
        (Stage::Ended | Stage::Gone, _) => {}
    }
}

fn check(world: &World) {
    let mut alive = 0;
    for unit in world.core.units() {
        let waits = match unit.state {
            State::Idle | State::Awaiting => false,
            State::Active => unit.plan.watchdog_ms != 0,
            _ => true,
        };
        let held = matches!(unit.id, UnitId::Vgw(of) | UnitId::Bundle(of, _)
            if world.frozen.contains(&of));
        let paused = waits && held && unit.state.pauses();
        assert_eq!(
            unit.deadline.is_some(),
            waits && !paused,
            "{:?}",
            unit.state
        );
        assert_eq!(unit.paused.is_some(), paused, "{:?}", unit.state);
        assert_eq!(unit.state.occupied(), world.lives.contains_key(&unit.id));
        alive += u64::from(unit.state.occupied());
        if let UnitId::Bundle(of, _) = unit.id {
            let home = world.state(UnitId::Vgw(of));
            match unit.state {
                State::Building | State::Executing | State::Readying | State::Active => {
                    assert!(matches!(home, State::Active), "{} in {home:?}", unit.id);
                }
                State::Awaiting => assert!(home != State::Active || held, "{}", unit.id),
                _ => {}
            }
        }
        let restarts_for_ever = unit.plan.restart.retries == 0;
        let core = unit.plan.role.is_some_and(|role| role != Role::Install);
        if core && restarts_for_ever {
            assert!(
                !matches!(unit.state, State::Idle | State::Clearing(After::Idle)),
                "{} was given up",
                unit.id
            );
        }
    }
    assert_eq!(world.builds - world.releases, alive);
}

fn finish(world: &mut World, dice: &mut Dice) {
    let begun = world.now;
    world.tell(Event::Shutdown { reboot: true });
    while world.finished.is_none() {
        let_something_happen(world, dice);
        world.pass(10);
        assert!(world.now - begun < 13_000, "the way down has a bound");
    }
}
