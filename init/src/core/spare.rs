//! Spares: the next life of a bundle, built before it is needed
//!
//! A spare is built like any life, in a cgroup of its own, and held with every wall around it just
//! before its program is executed. It exists while its bundle is active, and from a crash to the
//! restart that takes it; whatever else happens to the bundle ends it. One that dies by itself is
//! the spare's failure, not the bundle's: another is built after a while.
//!
//! | is         | becomes    | when                                                          |
//! |------------|------------|---------------------------------------------------------------|
//! | `None`     | `Due`      | its bundle is active, manifest and contract want a spare      |
//! | `Due`      | `Building` | a moment later: the bundle's own start comes first            |
//! | `Building` | `Ready`    | limen-jail's word that it is held                             |
//! | `Building`, `Ready` | `Due` | it died, or took too long                                 |
//! | `Ready`    | `None`     | a restart takes it                                            |
//! | any        | `None`     | the bundle is stopped, or its virtual gateway is lost         |

use limen_proto::id::{Generation, UnitId, UnitRef};
use limen_proto::posture::Posture;
use limen_proto::table::Role;

use super::effect::Effect;
use super::state::{After, Input, State};
use super::supervisor::{Event, Supervisor};
use super::unit::{BUILD_WITHIN_MS, Program, Unit};

/// From a bundle's being active to the building of its spare, milliseconds.
const AFTER_MS: u64 = 100;
/// From the death of a spare to the next, milliseconds.
const AGAIN_MS: u64 = 10_000;

/// The next life of a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Spare {
    /// There is none, and none is due.
    #[default]
    None,
    /// To be built at this time.
    Due(u64),
    /// Being built, until this time at the latest.
    Building(Generation, u64),
    /// Held.
    Ready(Held),
}

/// A life that is held before its program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    generation: Generation,
    pid: u32,
    posture: Posture,
}

impl Spare {
    /// Which life it is.
    fn generation(self) -> Option<Generation> {
        match self {
            Self::None | Self::Due(_) => None,
            Self::Building(generation, _) => Some(generation),
            Self::Ready(held) => Some(held.generation),
        }
    }

    /// When a `Tick` is due.
    pub fn deadline(self) -> Option<u64> {
        match self {
            Self::Due(at) | Self::Building(_, at) => Some(at),
            Self::None | Self::Ready(_) => None,
        }
    }

    /// Whether it is held.
    pub fn is_ready(self) -> bool {
        matches!(self, Self::Ready(_))
    }
}

impl Supervisor {
    /// Takes an event of a life that is a spare. Returns whether it was one.
    pub(super) fn handle_spare(&mut self, event: Event, now: u64) -> bool {
        let (Event::Built { life, .. }
        | Event::Failed { life, .. }
        | Event::Ended { life, .. }
        | Event::Executed(life)
        | Event::Emptied(life)) = event
        else {
            return false;
        };
        let Some(unit) = self.unit_mut(life.unit) else {
            return false;
        };
        if unit.spare.generation() != Some(life.generation) {
            return false;
        }
        match event {
            Event::Built { pid, posture, .. } => {
                unit.spare = Spare::Ready(Held {
                    generation: life.generation,
                    pid,
                    posture,
                });
                self.push_report(life.unit);
            }
            Event::Failed { .. } | Event::Ended { .. } => {
                self.discard_spare(life.unit);
                if let Some(unit) = self.unit_mut(life.unit) {
                    unit.spare = Spare::Due(now.saturating_add(AGAIN_MS));
                }
                self.push_report(life.unit);
            }
            // Its hang-up is its death, of which another event tells.
            _ => {}
        }
        true
    }

    /// What the present state of a bundle means for its spare.
    pub(super) fn mind_spare(&mut self, id: UnitId, now: u64) {
        let Some(unit) = self.unit_mut(id) else {
            return;
        };
        match unit.state {
            State::Active if unit.plan.spare && unit.spare == Spare::None => {
                unit.spare = Spare::Due(now.saturating_add(AFTER_MS));
            }
            State::Active | State::Clearing(After::Restart) | State::Waiting => {}
            State::Idle
            | State::Building
            | State::Executing
            | State::Readying
            | State::Draining
            | State::Terminating
            | State::Clearing(After::Idle | After::Await)
            | State::Removing(_)
            | State::Awaiting => self.discard_spare(id),
        }
    }

    /// Builds what is due, and ends what has had its time.
    pub(super) fn tick_spares(&mut self, now: u64) {
        for place in 0..self.units.len() {
            let Some(unit) = self.units.get(place) else {
                return;
            };
            let id = unit.id;
            if unit.spare.deadline().is_none_or(|deadline| now < deadline) {
                continue;
            }
            match unit.spare {
                Spare::Due(_) if unit.state == State::Active && self.has_room_for_spare(id) => {
                    self.generation = self.generation.saturating_add(1);
                    let generation = Generation(self.generation);
                    let until = now.saturating_add(u64::from(BUILD_WITHIN_MS));
                    self.set_spare(id, Spare::Building(generation, until));
                    let unit = id;
                    self.push(Effect::BuildSpare(UnitRef { unit, generation }));
                }
                Spare::Due(_) => self.set_spare(id, Spare::Due(now.saturating_add(AGAIN_MS))),
                Spare::Building(..) => {
                    self.discard_spare(id);
                    self.set_spare(id, Spare::Due(now.saturating_add(AGAIN_MS)));
                }
                Spare::None | Spare::Ready(_) => {}
            }
        }
    }

    /// Whether the virtual gateway of a bundle can and, by its contract, shall hold spares.
    fn has_room_for_spare(&self, id: UnitId) -> bool {
        let UnitId::Bundle(slot, _) = id else {
            return false;
        };
        let home = self.unit(UnitId::Vgw(slot));
        let warm = home
            .is_some_and(|home| matches!(&home.program, Program::Vgw(spec) if spec.contract.warm));
        warm && self.home(id) && !self.is_frozen(id) && !self.ending()
    }

    /// Takes the spare that is held, as the unit's new life. Returns whether there was one.
    pub(super) fn take_spare(&mut self, id: UnitId) -> bool {
        let Some(unit) = self.unit_mut(id) else {
            return false;
        };
        let Spare::Ready(held) = unit.spare else {
            return false;
        };
        unit.spare = Spare::None;
        unit.generation = held.generation;
        unit.pid = held.pid;
        unit.posture = held.posture;
        unit.failed = None;
        unit.starved = false;
        unit.count_restart();
        let life = unit.life();
        self.push(Effect::TakeSpare(life));
        if let Some(broker) = self.live(Role::Broker) {
            self.push(Effect::Listener(broker, life));
        }
        self.queue(id, Input::Built);
        true
    }

    pub(super) fn discard_spare(&mut self, id: UnitId) {
        let Some(unit) = self.unit_mut(id) else {
            return;
        };
        let generation = core::mem::take(&mut unit.spare).generation();
        if let Some(generation) = generation {
            self.push(Effect::EndSpare(UnitRef {
                unit: id,
                generation,
            }));
        }
    }

    fn set_spare(&mut self, id: UnitId, spare: Spare) {
        if let Some(unit) = self.unit_mut(id) {
            unit.spare = spare;
        }
    }
}

impl Unit {
    /// Whether a restart will find a spare.
    pub fn has_spare(&self) -> bool {
        self.spare.is_ready()
    }
}
