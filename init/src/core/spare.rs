//! Spares: the next life of a bundle or a virtual gateway, built before it is needed
//!
//! A spare is built like any life, in a cgroup of its own, and its program is executed with every wall around it and
//! frozen before its first instruction. It exists while its bundle is active, and from a crash to the
//! restart that takes it; whatever else happens to the bundle ends it. One that dies by itself is
//! the spare's failure, not the bundle's: another is built after a while ([`AGAIN`]), which is the longer the
//! more of them failed in a row.
//!
//! | is         | becomes    | when                                                          |
//! |------------|------------|---------------------------------------------------------------|
//! | `None`     | `Due`      | its bundle is active, manifest and contract want a spare      |
//! | `Due`      | `Building` | a moment later: the bundle's own start comes first            |
//! | `Building` | `Built`    | limen-jail's word that its process exists                     |
//! | `Built`    | `Ready`    | it was executed, and is held                                  |
//! | `Building` to `Ready` | `Due` | it died, or took too long                               |
//! | `Ready`    | `None`     | a restart takes it                                            |
//! | any        | `None`     | the bundle is stopped, or its virtual gateway is lost         |
//!
//! A virtual gateway has its spare while it is idle, when it is to be parked: its reaper runs, its
//! link carries nothing. What was made for it is more than processes, so it also goes through these:
//!
//! | is         | becomes    | when                                                          |
//! |------------|------------|---------------------------------------------------------------|
//! | `Building` to `Ready` | `Ending` | it died, took too long, or is not wanted any more      |
//! | `Ending`   | `None`, `Due` | limen-jail's word that what was made for it is gone        |
//!
//! A start waits (`Awaiting`) for what is being built or removed, and takes what is `Ready`.

use limen_proto::id::{Generation, UnitId, UnitRef};
use limen_proto::posture::Posture;
use limen_proto::restart::RestartPolicy;
use limen_proto::state::Fault;
use limen_proto::table::Role;

use super::dice;
use super::effect::Effect;
use super::state::{After, Input, State};
use super::supervisor::{Event, Supervisor};
use super::unit::{BUILD_WITHIN_MS, Program, REMOVE_WITHIN_MS, Unit};

/// From a bundle's being active, or a virtual gateway's being idle, to the building of its spare,
/// milliseconds.
pub(super) const AFTER_MS: u64 = 100;
/// From a moment without room for a spare to the next look, milliseconds.
const LOOK_MS: u64 = 10_000;
/// When one that failed is followed by another: nobody waits for it, and what keeps failing is not
/// worth a life of limen-jail's every few seconds for ever.
pub(super) const AGAIN: RestartPolicy = RestartPolicy {
    enable: true,
    minimum_wait_ms: 10_000,
    maximum_wait_ms: 600_000,
    multiplier: 2000,
    reset_ms: 60_000,
    retries: 0,
};

/// The next life of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Spare {
    /// There is none, and none is due.
    #[default]
    None,
    /// To be built at this time.
    Due(u64),
    /// Being built, until this time at the latest.
    Building(Generation, u64),
    /// Its process exists, and has executed its program by this time.
    Built(Held, u64),
    /// Held.
    Ready(Held),
    /// A virtual gateway's: being removed.
    Ending {
        /// Which life.
        generation: Generation,
        /// Until this time at the latest.
        until: u64,
        /// From its end to the next, milliseconds.
        pause: u64,
    },
}

/// A life that is held before its program's first instruction, or in a virtual gateway that is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    generation: Generation,
    pid: u32,
    posture: Posture,
    /// When it was built.
    since: u64,
}

impl Spare {
    /// Which life it is.
    fn generation(self) -> Option<Generation> {
        match self {
            Self::None | Self::Due(_) => None,
            Self::Building(generation, _) | Self::Ending { generation, .. } => Some(generation),
            Self::Built(held, _) | Self::Ready(held) => Some(held.generation),
        }
    }

    /// When a `Tick` is due.
    pub fn deadline(self) -> Option<u64> {
        match self {
            Self::Due(at)
            | Self::Building(_, at)
            | Self::Built(_, at)
            | Self::Ending { until: at, .. } => Some(at),
            Self::None | Self::Ready(_) => None,
        }
    }

    /// Whether what is there of it is about to change by itself.
    pub fn is_under_way(self) -> bool {
        match self {
            Self::Building(..) | Self::Built(..) | Self::Ending { .. } => true,
            Self::None | Self::Due(_) | Self::Ready(_) => false,
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
        | Event::Unbuilt(life)
        | Event::Ended { life, .. }
        | Event::Executed(life)
        | Event::Emptied(life)
        | Event::Removed(life)) = event
        else {
            return false;
        };
        let Some(unit) = self.unit_mut(life.unit) else {
            return false;
        };
        if unit.spare.generation() != Some(life.generation) {
            return false;
        }
        let is_vgw = matches!(life.unit, UnitId::Vgw(_));
        match (event, unit.spare) {
            (Event::Built { pid, posture, .. }, Spare::Building(generation, until)) => {
                let held = Held {
                    generation,
                    pid,
                    posture,
                    since: now,
                };
                unit.spare = Spare::Built(held, until);
            }
            (Event::Executed(_), Spare::Built(held, _)) => {
                unit.spare = Spare::Ready(held);
                self.push_report(life.unit);
                if is_vgw {
                    self.queue(life.unit, Input::Restored);
                }
            }
            (Event::Removed(_), Spare::Ending { .. }) => self.end_parked(life.unit, now),
            (_, Spare::Ending { .. }) => {}
            (Event::Failed { .. } | Event::Unbuilt(_) | Event::Ended { .. }, _) => {
                self.fail_spare(life.unit, now);
                self.push_report(life.unit);
            }
            _ => {}
        }
        true
    }

    /// What the present state of a unit means for its spare.
    pub(super) fn mind_spare(&mut self, id: UnitId, now: u64) {
        let Some(unit) = self.unit_mut(id) else {
            return;
        };
        if let UnitId::Vgw(_) = id {
            return self.mind_parked(id, now);
        }
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
            | State::Awaiting => self.discard_spare(id, now, 0),
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
                Spare::Due(_) if self.has_room_for_spare(id) && !self.is_building() => {
                    self.generation = self.generation.saturating_add(1);
                    let generation = Generation(self.generation);
                    let until = now.saturating_add(u64::from(BUILD_WITHIN_MS));
                    self.set_spare(id, Spare::Building(generation, until));
                    let life = UnitRef {
                        unit: id,
                        generation,
                    };
                    self.push(Effect::BuildSpare(life));
                    self.introduce(life);
                }
                Spare::Due(_) => {
                    let pause = if self.is_building() {
                        AFTER_MS
                    } else {
                        LOOK_MS
                    };
                    self.set_spare(id, Spare::Due(now.saturating_add(pause)));
                }
                Spare::Building(..) | Spare::Built(..) => self.fail_spare(id, now),
                Spare::Ending { .. } => self.end_parked(id, now),
                Spare::None | Spare::Ready(_) => {}
            }
        }
    }

    /// Whether anything is being built that is needed now.
    fn is_building(&self) -> bool {
        let mut units = self.units.iter();
        units.any(|unit| matches!(unit.state, State::Building | State::Executing))
    }

    /// Whether a spare of this unit can, and by the contract shall, be held now.
    fn has_room_for_spare(&self, id: UnitId) -> bool {
        let state = self.unit(id).map(|unit| unit.state);
        match id {
            UnitId::Vgw(_) => state == Some(State::Idle) && self.prepared && !self.ending(),
            UnitId::Bundle(slot, _) => {
                let home = self.unit(UnitId::Vgw(slot));
                let warm = home.is_some_and(
                    |home| matches!(&home.program, Program::Vgw(spec) if spec.contract.warm),
                );
                let free = self.home(id) && !self.is_frozen(id) && !self.ending();
                state == Some(State::Active) && warm && free
            }
            UnitId::Core(_) | UnitId::Hand(..) => false,
        }
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
        unit.spare_failures = 0;
        unit.generation = held.generation;
        unit.pid = held.pid;
        unit.posture = held.posture;
        unit.failed = None;
        unit.starved = false;
        match id {
            // A virtual gateway is parked only between a stop and a start by request.
            UnitId::Vgw(_) => unit.fault = Fault::NoFault,
            UnitId::Bundle(..) | UnitId::Core(_) | UnitId::Hand(..) => unit.count_restart(),
        }
        let life = unit.life();
        self.push(Effect::TakeSpare(life));
        if let (UnitId::Bundle(..), Some(broker)) = (id, self.live(Role::Broker)) {
            self.push(Effect::Listener(broker, life));
        }
        self.queue(id, Input::Built);
        true
    }

    /// A spare died, or took too long. One that had stood for long enough begins the count anew.
    fn fail_spare(&mut self, id: UnitId, now: u64) {
        let seed = self.seed;
        let Some(unit) = self.unit_mut(id) else {
            return;
        };
        if let Spare::Ready(held) = unit.spare
            && now.saturating_sub(held.since) >= u64::from(AGAIN.reset_ms)
        {
            unit.spare_failures = 0;
        }
        unit.spare_failures = unit.spare_failures.saturating_add(1);
        let generation = unit.spare.generation().unwrap_or_default();
        let pause = u64::from(match seed {
            0 => AGAIN.wait_ms(unit.spare_failures),
            _ => AGAIN.scattered_ms(unit.spare_failures, dice::throw(seed, generation.0)),
        });
        self.discard_spare(id, now, pause);
        if !matches!(id, UnitId::Vgw(_)) {
            self.set_spare(id, Spare::Due(now.saturating_add(pause)));
        }
    }

    /// Ends what there is of a spare. `pause`: from its end to the next one of a virtual gateway,
    /// milliseconds.
    pub(super) fn discard_spare(&mut self, id: UnitId, now: u64, pause: u64) {
        let Some(unit) = self.unit_mut(id) else {
            return;
        };
        if let Spare::Ending { .. } = unit.spare {
            return;
        }
        let Some(generation) = core::mem::take(&mut unit.spare).generation() else {
            return;
        };
        if let UnitId::Vgw(_) = id {
            unit.spare = Spare::Ending {
                generation,
                until: now.saturating_add(u64::from(REMOVE_WITHIN_MS)),
                pause,
            };
        }
        self.push(Effect::EndSpare(UnitRef {
            unit: id,
            generation,
        }));
    }

    pub(super) fn set_spare(&mut self, id: UnitId, spare: Spare) {
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

    /// Whether it is a bundle whose next life waits for the end of the last one.
    pub fn is_restarting(&self) -> bool {
        matches!(self.id, UnitId::Bundle(..)) && self.state == State::Clearing(After::Restart)
    }
}
