//! A world for the core: processes that are only counted
//!
//! Carries out effects as the shell would, keeps account of what exists, and panics when the core
//! asks for something that cannot be: a second life beside the first, a release of nothing, a bundle
//! outside its virtual gateway.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use limen_proto::contract::{Contract, Guarantees, Limits};
use limen_proto::control::Verb;
use limen_proto::id::{BundleIndex, Digest, Generation, Slot, UnitId, UnitRef};
use limen_proto::posture::Posture;
use limen_proto::restart::RestartPolicy;
use limen_proto::spec::{BundleSpec, Readiness, Storage, VgwSpec};
use limen_proto::state::Exit;
use limen_proto::table::{CoreUnit, Network, Role, Table};
use limen_proto::words::Words;

use crate::core::effect::Effect;
use crate::core::state::State;
use crate::core::supervisor::{Event, Supervisor};

/// How far a life has come in the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Jailing,
    Made,
    Running,
    Ended,
    Gone,
}

pub(super) struct World {
    pub(super) core: Box<Supervisor>,
    pub(super) now: u64,
    /// Lives that were built and not released.
    pub(super) lives: BTreeMap<UnitId, (Generation, Stage)>,
    /// Kills that were asked for.
    pub(super) cleared: BTreeSet<UnitId>,
    pub(super) terminated: BTreeSet<UnitId>,
    pub(super) removing: BTreeSet<UnitId>,
    /// Slots whose cgroup is frozen.
    pub(super) frozen: BTreeSet<Slot>,
    pub(super) stored: BTreeSet<u64>,
    pub(super) seen: VecDeque<Effect>,
    pub(super) finished: Option<bool>,
    pub(super) builds: u64,
    pub(super) releases: u64,
    /// Lives that were begun ahead and neither taken nor ended.
    pub(super) spares: BTreeMap<UnitId, Generation>,
    /// Virtual gateways that were parked and are being removed.
    pub(super) leaving: BTreeMap<UnitId, Generation>,
}

impl World {
    pub(super) fn new(core: Box<Supervisor>) -> Self {
        Self {
            core,
            now: 1000,
            lives: BTreeMap::new(),
            cleared: BTreeSet::new(),
            terminated: BTreeSet::new(),
            removing: BTreeSet::new(),
            frozen: BTreeSet::new(),
            stored: BTreeSet::new(),
            seen: VecDeque::new(),
            finished: None,
            builds: 0,
            releases: 0,
            spares: BTreeMap::new(),
            leaving: BTreeMap::new(),
        }
    }

    /// A world whose core units all run.
    pub(super) fn booted() -> Self {
        let mut world = Self::new(Box::default());
        world.core.boot(&table(), 0, world.now);
        world.carry_out();
        world.tell(Event::Prepared);
        for unit in [STEWARD, LOGGER, BROKER, MANAGEMENT] {
            world.run(unit);
            world.ready(unit);
        }
        world
    }

    pub(super) fn life(&self, unit: UnitId) -> UnitRef {
        self.core.unit(unit).expect("a record").life()
    }

    pub(super) fn state(&self, unit: UnitId) -> State {
        self.core.unit(unit).map_or(State::Idle, |one| one.state)
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.core.handle(event, self.now);
        self.carry_out();
    }

    pub(super) fn ask(&mut self, from: UnitId, verb: Verb, attached: usize) -> Outcome {
        let stores = match verb {
            Verb::Store { reference, .. } => Some(reference),
            _ => None,
        };
        let from = self.life(from);
        let outcome = self.core.request(from, verb, attached, self.now);
        if let (Ok(()), Some(reference)) = (outcome, stores) {
            assert!(self.stored.insert(reference));
        }
        self.carry_out();
        outcome
    }

    /// The jail works and the program is executed.
    pub(super) fn run(&mut self, unit: UnitId) {
        let life = self.life(unit);
        self.advance(unit, Stage::Made);
        self.tell(Event::Built {
            life,
            pid: 100,
            posture: Posture::default(),
        });
        self.advance(unit, Stage::Running);
        self.tell(Event::Executed(life));
    }

    pub(super) fn ready(&mut self, unit: UnitId) {
        let life = self.life(unit);
        self.tell(Event::Ready(life));
    }

    /// The main process ends by itself.
    pub(super) fn end(&mut self, unit: UnitId, exit: Exit) {
        let life = self.life(unit);
        self.advance(unit, Stage::Ended);
        self.tell(Event::Ended {
            life,
            exit: Some(exit),
        });
    }

    /// What was killed is gone.
    pub(super) fn empty(&mut self, unit: UnitId) {
        assert!(self.cleared.remove(&unit), "{unit} was not killed");
        let life = self.life(unit);
        if self.lives[&unit].1 != Stage::Ended {
            self.advance(unit, Stage::Ended);
            self.tell(Event::Ended {
                life,
                exit: Some(Exit::Signal(9)),
            });
        }
        self.advance(unit, Stage::Gone);
        self.tell(Event::Emptied(life));
    }

    pub(super) fn removed(&mut self, unit: UnitId) {
        assert!(self.removing.remove(&unit));
        let life = self.life(unit);
        self.tell(Event::Removed(life));
    }

    /// Everything that was killed is gone, and everything that was asked to go.
    pub(super) fn empty_all(&mut self) {
        while let Some(unit) = self.cleared.first().copied() {
            self.empty(unit);
        }
        while let Some(unit) = self.removing.first().copied() {
            self.removed(unit);
        }
        while let Some((unit, generation)) = self.leaving.pop_first() {
            self.tell(Event::Removed(UnitRef { unit, generation }));
        }
    }

    pub(super) fn pass(&mut self, millis: u64) {
        self.now += millis;
        self.tell(Event::Tick);
    }

    pub(super) fn advance(&mut self, unit: UnitId, stage: Stage) {
        self.lives.get_mut(&unit).expect("a life").1 = stage;
    }

    pub(super) fn saw(&self, what: impl Fn(&Effect) -> bool) -> bool {
        self.seen.iter().any(what)
    }

    pub(super) fn carry_out(&mut self) {
        while let Some(effect) = self.core.next_effect() {
            self.carry(effect);
            self.seen.push_back(effect);
        }
        assert_eq!(self.core.dropped(), 0, "the channel of effects was full");
    }

    fn carry(&mut self, effect: Effect) {
        match effect {
            Effect::Build(life) => {
                self.builds += 1;
                if let UnitId::Vgw(slot) | UnitId::Bundle(slot, _) = life.unit {
                    assert!(!self.frozen.contains(&slot), "{} born frozen", life.unit);
                }
                if let UnitId::Bundle(slot, _) = life.unit {
                    let home = self.state(UnitId::Vgw(slot));
                    assert_eq!(home, State::Active, "{} without its home", life.unit);
                }
                let earlier = self
                    .lives
                    .insert(life.unit, (life.generation, Stage::Jailing));
                assert!(earlier.is_none(), "two lives of {}", life.unit);
                if let UnitId::Vgw(_) = life.unit {
                    let beside = self.spares.get(&life.unit).or(self.leaving.get(&life.unit));
                    assert_eq!(beside, None, "{} beside what is parked", life.unit);
                }
            }
            Effect::BuildSpare(life) => {
                let state = self.state(life.unit);
                let wanted = match life.unit {
                    UnitId::Vgw(_) => State::Idle,
                    _ => State::Active,
                };
                assert_eq!(state, wanted, "{} ahead", life.unit);
                assert!(!self.leaving.contains_key(&life.unit), "{}", life.unit);
                let earlier = self.spares.insert(life.unit, life.generation);
                assert!(earlier.is_none(), "two spares of {}", life.unit);
            }
            Effect::TakeSpare(life) => {
                assert_eq!(self.spares.remove(&life.unit), Some(life.generation));
                let earlier = self.lives.insert(life.unit, (life.generation, Stage::Made));
                assert!(earlier.is_none(), "two lives of {}", life.unit);
                self.builds += 1;
            }
            Effect::EndSpare(life) => {
                assert_eq!(self.spares.remove(&life.unit), Some(life.generation));
                if let UnitId::Vgw(_) = life.unit {
                    self.leaving.insert(life.unit, life.generation);
                }
            }
            Effect::Clear(life) => {
                if self.lives.contains_key(&life.unit) {
                    self.cleared.insert(life.unit);
                }
            }
            Effect::Terminate(life) => {
                assert_eq!(self.lives[&life.unit].0, life.generation);
                self.terminated.insert(life.unit);
            }
            Effect::Release(life) => {
                self.releases += 1;
                let (generation, stage) = self.lives.remove(&life.unit).expect("a life");
                assert_eq!(generation, life.generation);
                assert_eq!(stage, Stage::Gone, "{} was released alive", life.unit);
                self.terminated.remove(&life.unit);
            }
            Effect::Remove(life) => {
                self.removing.insert(life.unit);
            }
            Effect::Close(reference) => {
                assert!(self.stored.remove(&reference), "{reference} closed twice");
            }
            Effect::Finish { reboot } => {
                assert_eq!(self.finished.replace(reboot), None);
            }
            Effect::Listener(_, of) => {
                assert_eq!(self.lives[&of.unit].0, of.generation);
            }
            Effect::Stored(_, reference) => assert!(self.stored.contains(&reference)),
            Effect::Freeze(slot, true) => {
                assert_eq!(self.state(UnitId::Vgw(slot)), State::Active);
                assert!(self.frozen.insert(slot), "{slot} frozen twice");
            }
            Effect::Freeze(slot, false) => {
                self.frozen.remove(&slot);
            }
            Effect::LeaveJail
            | Effect::Kill(_)
            | Effect::Adjust(_)
            | Effect::Count(_)
            | Effect::KernelLog(_)
            | Effect::Forget(_)
            | Effect::Renew(_)
            | Effect::Report(_)
            | Effect::Link(..)
            | Effect::Listen(_)
            | Effect::Ended(..)
            | Effect::Source(..)
            | Effect::SourceEnded(..)
            | Effect::CoreActive => {}
        }
    }
}

pub(super) type Outcome = Result<(), limen_proto::control::ControlError>;

pub(super) const LOGGER: UnitId = UnitId::Core(0);
pub(super) const STEWARD: UnitId = UnitId::Core(1);
pub(super) const BROKER: UnitId = UnitId::Core(2);
pub(super) const MANAGEMENT: UnitId = UnitId::Core(3);

pub(super) const POLICY: RestartPolicy = RestartPolicy {
    enable: true,
    minimum_wait_ms: 100,
    maximum_wait_ms: 1000,
    multiplier: 2000,
    reset_ms: 5000,
    retries: 3,
};

pub(super) fn slot(number: u16) -> Slot {
    Slot::new(number).unwrap()
}

pub(super) fn bundle(of: u16, index: u16) -> UnitId {
    UnitId::Bundle(slot(of), BundleIndex::new(index).unwrap())
}

fn core_unit(name: &str, role: Role) -> CoreUnit {
    CoreUnit {
        name: name.parse().unwrap(),
        role,
        command: Words::new(),
        environment: Words::new(),
        user: 900,
        capabilities: 0,
        network: Network::None,
        binds: heapless::Vec::new(),
        limits: LIMITS,
        restart: RestartPolicy::CORE,
        readiness: Readiness::Notify,
        ready_within_ms: 5000,
        stop_within_ms: 1000,
        watchdog_ms: if role == Role::Broker { 2000 } else { 0 },
        listen: 0,
    }
}

const LIMITS: Limits = Limits {
    memory: 1 << 20,
    processes: 8,
    ..Limits::ORDINARY
};

pub(super) fn table() -> Table {
    let units = [
        ("logger", Role::Logger),
        ("steward", Role::Steward),
        ("broker", Role::Broker),
        ("mgmt", Role::Management),
        ("install", Role::Install),
    ];
    let links = [
        (Role::Steward, Role::Management),
        (Role::Steward, Role::Broker),
        (Role::Steward, Role::Logger),
    ];
    Table {
        units: units
            .map(|(name, role)| core_unit(name, role))
            .into_iter()
            .collect(),
        links: links.into_iter().collect(),
        devices: heapless::Vec::new(),
        uplink: "eth0".parse().unwrap(),
        upload: 0,
        download: 0,
        connections: 0,
        watchdog: heapless::String::new(),
        built: 0,
    }
}

pub(super) fn start_vgw(number: u16) -> Verb {
    Verb::StartVgw {
        spec: VgwSpec {
            slot: slot(number),
            provider: "energy".parse().unwrap(),
            contract: contract(),
        },
        restart: POLICY,
        tag: 7,
    }
}

pub(super) fn contract() -> Contract {
    Contract {
        limits: LIMITS,
        disk: 1 << 20,
        inodes: 100,
        ..Contract::default()
    }
}

pub(super) fn start_bundle(of: u16, index: u16, readiness: Readiness) -> Verb {
    Verb::StartBundle {
        spec: BundleSpec {
            slot: slot(of),
            index: BundleIndex::new(index).unwrap(),
            name: "web".parse().unwrap(),
            digest: Digest([0; 32]),
            command: Words::new(),
            environment: Words::new(),
            directory: heapless::String::new(),
            user: None,
            jit: false,
            spare: false,
            limits: LIMITS,
            guarantees: Guarantees::default(),
            storage: Storage::default(),
            temporary: 0,
            volumes: heapless::Vec::new(),
            ports: heapless::Vec::new(),
            devices: heapless::Vec::new(),
            readiness,
            ready_within_ms: 1000,
            stop_within_ms: 500,
        },
        restart: POLICY,
        tag: 8,
    }
}
