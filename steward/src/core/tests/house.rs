//! A box that exists in memory only: init, hands, the disk, the links

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};

use limen_proto::account::{Counters, Era};
use limen_proto::contract::{Contract, Limits, Protocol, Publish};
use limen_proto::control::{Request, UnitReport, Verb as InitVerb};
use limen_proto::feature::Feature;
use limen_proto::grant::Decision;
use limen_proto::id::{Digest, Generation, Slot, UnitId, UnitRef};
use limen_proto::install::{self, Order, Report, Summary, VolumeWish};
use limen_proto::manage::{
    Answer, AuditEvent, Bundle, Call, Caller, Push, Refusal, RefusalKind, Usage, Verb, Vgw,
};
use limen_proto::name::Name;
use limen_proto::posture::Posture;
use limen_proto::restart::RestartPolicy;
use limen_proto::spec::Readiness;
use limen_proto::state::{Exit, Fault, UnitState};

use crate::core::admission::Fixtures;
use crate::core::desired::{Change, Desired, Identity, Marks};
use crate::core::turn::{Capacity, Effect, HandId, Input, Now, Outside, OutsideError, Peer};
use crate::core::{Facts, Steward};

/// A self-signed certificate of nobody, and another.
pub(crate) const ENERGY_CA: &str = include_str!("energy.pem");
pub(crate) const ALARM_CA: &str = include_str!("alarm.pem");
pub(crate) const THIRD_CA: &str = include_str!("third.pem");
/// A minisign public key.
pub(crate) const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(crate) fn provider(text: &str) -> Caller {
    Caller::Provider(name(text))
}

pub(crate) fn contract() -> Contract {
    Contract {
        limits: Limits {
            cpu_percent: 50,
            memory: 64 << 20,
            processes: 64,
            ..Limits::ORDINARY
        },
        disk: 64 << 20,
        inodes: 4096,
        ..Contract::default()
    }
}

pub(crate) fn publish(outside: u16) -> Publish {
    Publish {
        protocol: Protocol::Tcp,
        outside,
        inside: 80,
    }
}

/// A manifest of `bundle` with this counter; every counter has its own digest.
pub(crate) fn summary(bundle: &str, counter: u64) -> Summary {
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&counter.to_le_bytes());
    digest[8] = u8::try_from(bundle.len()).unwrap();
    digest[9] = bundle.as_bytes()[0];
    Summary {
        digest: Digest(digest),
        name: name(bundle),
        version: format!("{counter}.0.0"),
        counter,
        description: String::new(),
        command: vec!["/bin/thing".to_owned()],
        environment: Vec::new(),
        directory: "/".to_owned(),
        readiness: Readiness::Exec,
        ready_within_ms: 10_000,
        stop_within_ms: 1_000,
        restart: RestartPolicy::CORE,
        user: None,
        jit: false,
        spare: false,
        limits: Limits {
            memory: 8 << 20,
            processes: 8,
            ..Limits::ORDINARY
        },
        temporary: 0,
        volumes: Vec::new(),
        devices: Vec::new(),
        ports: Vec::new(),
        exports: Vec::new(),
        imports: Vec::new(),
        unpacked: 1 << 20,
        entries: 10,
    }
}

pub(crate) fn volume(of: &str) -> VolumeWish {
    VolumeWish {
        name: name(of),
        path: "/data".to_owned(),
        size: 1 << 20,
    }
}

/// What the simulated box does when it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Manner {
    /// As asked.
    #[default]
    Good,
    /// Units fail when they start, and are given up.
    Failing,
    /// Nothing is answered.
    Silent,
    /// Hands end before their work is done.
    Dying,
    /// Hands refuse: not signed.
    Untrusted,
}

/// The disk, which may fail.
pub(crate) struct Disk {
    pub(crate) desired: Desired,
    pub(crate) commits: usize,
    pub(crate) events: Vec<AuditEvent>,
    pub(crate) broken: bool,
    pub(crate) capacity: Capacity,
    pub(crate) lacks: Vec<Feature>,
    /// Every commit.
    pub(crate) history: Vec<(Vec<Change>, Marks)>,
    /// What present lives have used.
    pub(crate) counters: BTreeMap<UnitId, Counters>,
}

impl Outside for Disk {
    fn commit(&mut self, changes: &[Change], marks: Marks) -> Result<(), OutsideError> {
        if self.broken {
            return Err(OutsideError("the disk is broken".to_owned()));
        }
        for change in changes {
            self.desired.apply(change);
            if let Change::Event(draft) = change {
                self.events.push(AuditEvent {
                    number: self.desired.marks.event,
                    time_ms: draft.time_ms,
                    actor: draft.actor.clone(),
                    provider: draft.provider.clone(),
                    text: format!("{}|{}", draft.text, draft.detail),
                });
            }
        }
        assert_eq!(self.desired.marks, marks);
        self.history.push((changes.to_vec(), marks));
        self.commits += 1;
        Ok(())
    }

    fn events(
        &mut self,
        provider: Option<&Name>,
        after: u64,
        _limit: u32,
    ) -> Result<Vec<AuditEvent>, OutsideError> {
        let mut events = self.events.clone();
        events.retain(|event| {
            event.number > after && provider.is_none_or(|own| event.provider.as_ref() == Some(own))
        });
        Ok(events)
    }

    fn usage(&mut self, _unit: UnitId) -> Usage {
        Usage::default()
    }

    fn counters(&mut self, unit: UnitId) -> Counters {
        self.counters.get(&unit).copied().unwrap_or_default()
    }

    fn capacity(&mut self) -> Capacity {
        self.capacity
    }

    fn lacks(&mut self) -> Vec<Feature> {
        self.lacks.clone()
    }
}

/// No two records have one, over power cuts too.
static ERAS: AtomicU64 = AtomicU64::new(1);

pub(crate) struct House {
    pub(crate) steward: Steward,
    pub(crate) disk: Disk,
    pub(crate) now: Now,
    pub(crate) units: BTreeMap<UnitId, UnitReport>,
    pub(crate) manner: Manner,
    /// What the next upload's manifest says.
    pub(crate) upload: Option<Summary>,
    stored: Vec<Digest>,
    pub(crate) asked: Vec<InitVerb>,
    pub(crate) orders: Vec<(HandId, Order)>,
    pub(crate) pushes: Vec<Push>,
    pub(crate) decisions: Vec<Decision>,
    pub(crate) lines: Vec<String>,
    inputs: VecDeque<Input>,
    generation: u32,
    last_call: u32,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with(Desired::default(), BTreeMap::new())
    }

    /// A steward that starts with this state beside these units.
    pub(crate) fn with(desired: Desired, units: BTreeMap<UnitId, UnitReport>) -> Self {
        Self::made(desired, units, None)
    }

    /// A steward that starts with an earlier generation's state; these files lie in the store of
    /// the first slot.
    pub(crate) fn recovered(desired: Desired, stored: Vec<Digest>) -> Self {
        Self::made(desired, BTreeMap::new(), Some(stored))
    }

    fn made(
        desired: Desired,
        units: BTreeMap<UnitId, UnitReport>,
        stored: Option<Vec<Digest>>,
    ) -> Self {
        let facts = Facts {
            fixtures: Fixtures {
                devices: vec![name("serial-p1")],
                listening: vec![8443],
                ..Fixtures::default()
            },
            core_units: vec![name("steward"), name("broker")],
            provision: Some(Identity {
                certificate: "certificate".to_owned(),
                key: "key".to_owned(),
                operator: "operator".to_owned(),
            }),
            built: 1_600_000_000,
            recovered: stored.is_some(),
            ..Facts::default()
        };
        let generation = units.values().map(|unit| unit.unit.generation.0).max();
        let since = units.values().map(|unit| unit.since_ms).max();
        let mut house = Self {
            steward: Steward::new(desired.clone(), facts),
            disk: Disk {
                desired,
                commits: 0,
                events: Vec::new(),
                broken: false,
                capacity: Capacity {
                    memory: 512 << 20,
                    memory_available: 256 << 20,
                    cores: 2,
                    disk: 512 << 20,
                    inodes: 65536,
                },
                lacks: Vec::new(),
                history: Vec::new(),
                counters: BTreeMap::new(),
            },
            now: Now {
                // init's clock goes on when the steward is restarted.
                monotonic_ms: since.unwrap_or(10_000),
                wall_ms: 1_700_000_000_000,
            },
            units,
            manner: Manner::Good,
            upload: None,
            stored: stored.unwrap_or_default(),
            asked: Vec::new(),
            orders: Vec::new(),
            pushes: Vec::new(),
            decisions: Vec::new(),
            lines: Vec::new(),
            inputs: VecDeque::new(),
            generation: generation.unwrap_or(0),
            last_call: 0,
        };
        house.feed(Input::Start);
        house.feed(Input::Linked(Peer::Management));
        house.feed(Input::Linked(Peer::Broker));
        house
    }

    /// The same box after its steward was killed and started again.
    pub(crate) fn restart_steward(self) -> Self {
        let capacity = self.disk.capacity;
        let mut house = Self::with(self.disk.desired, self.units);
        house.disk.capacity = capacity;
        house
    }

    /// The same box after the power failed.
    pub(crate) fn cut_power(self) -> Self {
        Self::with(self.disk.desired, BTreeMap::new())
    }

    /// One input, and all that the box answers to it.
    pub(crate) fn feed(&mut self, input: Input) {
        self.inputs.push_back(input);
        while let Some(input) = self.inputs.pop_front() {
            for effect in self.steward.handle(self.now, &mut self.disk, input) {
                self.carry_out(effect);
            }
        }
        assert_eq!(*self.steward.desired(), self.disk.desired);
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Ask(Request { id, verb }) => self.init(id, verb),
            Effect::Hand { id, hand, order } => {
                self.orders.push((hand, order.clone()));
                if self.manner != Manner::Silent {
                    self.inputs
                        .push_back(Input::Answered { id, result: Ok(()) });
                    self.hand(hand, &order);
                }
            }
            Effect::Tell(hand, order) => {
                self.orders.push((hand, order.clone()));
                self.hand(hand, &order);
            }
            Effect::Upload { call, .. } => self.pushes.push(Push::Reply {
                id: call,
                result: Ok(Answer::Upload),
            }),
            Effect::Drop(_) | Effect::ReadLogs(_) => {}
            Effect::Decide(decision) => self.decisions.push(decision),
            Effect::Push(push) => self.pushes.push(push),
            Effect::Log(line) => self.lines.push(line),
        }
    }

    fn init(&mut self, id: u32, verb: InitVerb) {
        self.asked.push(verb.clone());
        if self.manner == Manner::Silent {
            return;
        }
        match verb {
            InitVerb::StartVgw { spec, tag, .. } => self.start(UnitId::Vgw(spec.slot), tag),
            InitVerb::StartBundle { spec, tag, .. } => {
                self.start(UnitId::Bundle(spec.slot, spec.index), tag);
            }
            InitVerb::Stop { unit } => {
                if let UnitId::Vgw(slot) = unit {
                    let bundles: Vec<UnitId> = self.units.keys().copied().collect();
                    for bundle in bundles {
                        if matches!(bundle, UnitId::Bundle(of, _) if of == slot) {
                            self.change(bundle, UnitState::Idle, Fault::NoFault);
                        }
                    }
                }
                if let Some(report) = self.units.get_mut(&unit) {
                    report.frozen = false;
                    report.spare = false;
                }
                self.change(unit, UnitState::Stopping, Fault::NoFault);
                self.change(unit, UnitState::Idle, Fault::NoFault);
            }
            InitVerb::Park { spec, tag } => {
                let unit = UnitId::Vgw(spec.slot);
                let mut report = self.fresh(unit, tag);
                report.state = UnitState::Idle;
                report.spare = true;
                self.units.insert(unit, report);
                self.inputs.push_back(Input::Reported(report));
            }
            InitVerb::Freeze { slot, frozen } => {
                let unit = UnitId::Vgw(slot);
                self.units.get_mut(&unit).unwrap().frozen = frozen;
                self.change(unit, UnitState::Active, Fault::NoFault);
            }
            InitVerb::Forget { unit } => {
                self.units.remove(&unit);
            }
            InitVerb::List => {
                for report in self.units.values() {
                    self.inputs.push_back(Input::Reported(*report));
                }
            }
            _ => {}
        }
        self.inputs
            .push_back(Input::Answered { id, result: Ok(()) });
    }

    fn fresh(&mut self, unit: UnitId, tag: u64) -> UnitReport {
        self.generation += 1;
        self.now.monotonic_ms += 1;
        UnitReport {
            unit: UnitRef {
                unit,
                generation: Generation(self.generation),
            },
            state: UnitState::Starting,
            fault: Fault::NoFault,
            restarts: 0,
            pid: 7,
            exit: None,
            failed: None,
            tag,
            posture: Posture::default(),
            since_ms: self.now.monotonic_ms,
            frozen: false,
            era: Era(ERAS.fetch_add(1, Ordering::Relaxed)),
            spent: Counters::default(),
            spare: false,
        }
    }

    fn start(&mut self, unit: UnitId, tag: u64) {
        let report = self.fresh(unit, tag);
        self.units.insert(unit, report);
        self.inputs.push_back(Input::Reported(report));
        if self.manner == Manner::Failing {
            self.units.get_mut(&unit).unwrap().exit = Some(Exit::Status(3));
            self.change(unit, UnitState::Idle, Fault::UnStartable);
        } else {
            self.change(unit, UnitState::Active, Fault::NoFault);
        }
    }

    /// A unit changes by itself, or as asked.
    pub(crate) fn change(&mut self, unit: UnitId, state: UnitState, fault: Fault) {
        let Some(report) = self.units.get_mut(&unit) else {
            return;
        };
        report.state = state;
        report.fault = fault;
        self.inputs.push_back(Input::Reported(*report));
    }

    fn hand(&mut self, hand: HandId, order: &Order) {
        let mut say = |report| self.inputs.push_back(Input::Handled(hand, report));
        if self.manner == Manner::Dying {
            self.inputs.push_back(Input::HandGone(hand));
            return;
        }
        match order {
            Order::Install { .. } if self.manner == Manner::Untrusted => {
                say(Report::Refused(install::Refusal {
                    kind: install::RefusalKind::Untrusted,
                    message: "signed by a key that is not one of yours".to_owned(),
                }));
            }
            Order::Install { .. } => {
                say(Report::Admit(self.upload.clone().unwrap()));
            }
            Order::Go(Ok(())) => {
                say(Report::Progress { done: 1, total: 2 });
                say(Report::Done);
            }
            Order::Go(Err(message)) => say(Report::Refused(install::Refusal {
                kind: install::RefusalKind::NotAdmitted,
                message: message.clone(),
            })),
            Order::List => say(Report::Holdings {
                bundles: std::mem::take(&mut self.stored),
                volumes: Vec::new(),
            }),
            _ => say(Report::Done),
        }
        let goes_on = matches!(order, Order::Install { .. }) && self.manner != Manner::Untrusted;
        if !goes_on {
            self.inputs.push_back(Input::HandGone(hand));
        }
    }

    /// Time passes.
    pub(crate) fn pass(&mut self, milliseconds: u64) {
        self.now.monotonic_ms += milliseconds;
        self.now.wall_ms += milliseconds;
        self.feed(Input::Tick);
    }

    /// Asks, and returns the call's number.
    pub(crate) fn ask(&mut self, caller: Caller, verb: Verb) -> u32 {
        self.last_call += 1;
        let id = self.last_call;
        self.feed(Input::Called(Call { id, caller, verb }));
        id
    }

    /// The outcome of a call, if there is one yet.
    pub(crate) fn outcome(&self, call: u32) -> Option<Result<Answer, Refusal>> {
        let mut replies = self.pushes.iter().filter_map(|push| match push {
            Push::Reply { id, result } if *id == call && *result != Ok(Answer::Upload) => {
                Some(result.clone())
            }
            _ => None,
        });
        let outcome = replies.next();
        assert!(replies.next().is_none(), "call {call} was answered twice");
        outcome
    }

    /// Asks and expects an outcome at once.
    pub(crate) fn call(&mut self, caller: Caller, verb: Verb) -> Result<Answer, Refusal> {
        let id = self.ask(caller, verb);
        self.outcome(id).expect("an outcome")
    }

    pub(crate) fn operator(&mut self, verb: Verb) -> Result<Answer, Refusal> {
        self.call(Caller::Operator, verb)
    }

    /// Expects a refusal of this kind whose text has these parts, and that nothing changed but the
    /// audit trail.
    pub(crate) fn refused(
        &mut self,
        caller: Caller,
        verb: Verb,
        kind: RefusalKind,
        parts: &[&str],
    ) {
        let before = self.disk.desired.clone();
        let events = self.disk.events.len();
        let refusal = self.call(caller, verb.clone()).expect_err("a refusal");
        assert_eq!(refusal.kind, kind, "{verb:?}: {}", refusal.message);
        for part in parts {
            assert!(
                refusal.message.contains(part),
                "{part} in {}",
                refusal.message
            );
        }
        let mut after = self.disk.desired.clone();
        assert_eq!(self.disk.events.len(), events + 1, "an event");
        after.marks.event = before.marks.event;
        assert_eq!(after, before, "no change of state");
        assert!(
            self.lines.iter().any(|line| line.starts_with("warning: ")),
            "a line of the log"
        );
    }

    pub(crate) fn create(&mut self, of: &str, contract: Contract) -> Result<Vgw, Refusal> {
        let authority = if of == "energy" { ENERGY_CA } else { ALARM_CA };
        let verb = Verb::CreateVgw {
            provider: name(of),
            contract,
            authority: authority.to_owned(),
            keys: vec![KEY.to_owned()],
        };
        match self.operator(verb)? {
            Answer::Vgw(vgw) => Ok(vgw),
            other => panic!("{other:?}"),
        }
    }

    /// energy at slot 1 and alarm at slot 2.
    pub(crate) fn inhabited() -> Self {
        let mut house = Self::new();
        house.create("energy", contract()).unwrap();
        house.create("alarm", contract()).unwrap();
        house
    }

    pub(crate) fn install(&mut self, of: &str, summary: Summary) -> Result<Bundle, Refusal> {
        self.upload = Some(summary);
        match self.call(provider(of), Verb::InstallBundle)? {
            Answer::Bundle(bundle) => Ok(bundle),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn bundle(&mut self, of: &str, bundle: &str) -> Result<Bundle, Refusal> {
        match self.call(provider(of), Verb::ShowBundle { name: name(bundle) })? {
            Answer::Bundle(bundle) => Ok(bundle),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn vgw(&mut self, of: &str) -> Result<Vgw, Refusal> {
        match self.operator(Verb::ShowVgw { provider: name(of) })? {
            Answer::Vgw(vgw) => Ok(vgw),
            other => panic!("{other:?}"),
        }
    }

    /// Digests whose removal was ordered.
    pub(crate) fn removed(&self) -> BTreeSet<Digest> {
        self.orders
            .iter()
            .filter_map(|(_, order)| match order {
                Order::Remove { digest } => Some(*digest),
                _ => None,
            })
            .collect()
    }

    /// How often a unit was started.
    pub(crate) fn starts(&self, unit: UnitId) -> usize {
        let of = |verb: &&InitVerb| match verb {
            InitVerb::StartVgw { spec, .. } => UnitId::Vgw(spec.slot) == unit,
            InitVerb::StartBundle { spec, .. } => UnitId::Bundle(spec.slot, spec.index) == unit,
            _ => false,
        };
        self.asked.iter().filter(of).count()
    }
}

pub(crate) fn slot(number: u16) -> Slot {
    Slot::new(number).unwrap()
}

pub(crate) fn vgw_unit(number: u16) -> UnitId {
    UnitId::Vgw(slot(number))
}

pub(crate) fn bundle_unit(of: u16, index: u16) -> UnitId {
    UnitId::Bundle(slot(of), limen_proto::id::BundleIndex::new(index).unwrap())
}
