//! Generated histories: the registry and the model live through the same events
//!
//! A failure prints its seed; `LIMEN_SEED=<seed>` repeats it.

use std::collections::{BTreeMap, BTreeSet};

use limen_proto::registry::Service as Described;

use super::model::{self, INTERFACES, Model, Peer};
use super::*;
use crate::core::ledger::{PEERS, REFERENCES, SERVICES};
use crate::core::peers::BACKLOG;

/// xorshift64*: enough to choose cases, and the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap() % sides
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> Option<T> {
        (!list.is_empty()).then(|| list[self.roll(list.len())])
    }

    fn small(&mut self, sides: usize) -> u16 {
        u16::try_from(self.roll(sides)).unwrap()
    }
}

struct History {
    dice: Dice,
    bench: Bench,
    model: Model,
    /// What each peer was told per watched interface.
    told: BTreeMap<(u64, usize), BTreeSet<u64>>,
    next_peer: u64,
    next_grant: u64,
}

impl History {
    fn new(seed: u64) -> Self {
        let mut bench = Bench::new();
        bench.step(Input::Linked);
        for place in 0..3 {
            bench.step(provider(
                place,
                ["core", "energy", "alarm"][usize::from(place)],
            ));
            for index in 0..3 {
                bench.step(bundle(unit(place, index, 1), &INTERFACES));
            }
        }
        bench.step(Input::Decided(Decision::Complete));
        Self {
            dice: Dice(seed | 1),
            bench,
            model: Model::default(),
            told: BTreeMap::new(),
            next_peer: 1,
            next_grant: 1,
        }
    }

    fn event(&mut self) {
        match self.dice.roll(16) {
            0 | 1 => self.connect(),
            2..=4 => self.register(),
            5 => self.unregister(),
            6..=8 => self.get(),
            9 => self.find(),
            10 => self.watch(),
            11 => self.close(),
            12 => self.hang_up(),
            13 => self.grant(),
            14 => self.revoke(),
            _ => self.restart_steward(),
        }
        self.check();
    }

    /// Steps, follows the news, and expects exactly these cuts.
    fn step(&mut self, input: Input, cut: &BTreeSet<u64>) -> Vec<Effect> {
        let effects = self.bench.step(input);
        assert_eq!(&cuts(&effects).into_iter().collect::<BTreeSet<_>>(), cut);
        for effect in &effects {
            if let Effect::Send { peer, event } = effect {
                self.follow(peer.0, event);
            }
        }
        effects
    }

    fn follow(&mut self, peer: u64, event: &Event) {
        match event {
            Event::Appeared(Described { id, interface, .. }) => {
                let number = INTERFACES
                    .iter()
                    .position(|name| *name == interface.as_str())
                    .unwrap();
                let told = self.told.get_mut(&(peer, number)).expect("it watches that");
                assert!(told.insert(*id), "told twice of {id}");
            }
            Event::Disappeared { service } => {
                let sets = self.told.iter_mut().filter(|((who, _), _)| *who == peer);
                let mut gone = sets.filter_map(|(_, told)| told.take(service));
                assert!(gone.next().is_some(), "never told of {service}");
            }
            Event::Reply { .. } | Event::Incoming { .. } => {}
        }
    }

    fn ask(&mut self, peer: Peer, verb: Verb, cut: &BTreeSet<u64>) -> Vec<Effect> {
        let request = Request { id: 1, verb };
        self.step(
            Input::Asked {
                peer: PeerId(peer.id),
                request,
            },
            cut,
        )
    }

    fn connect(&mut self) {
        let peer = Peer {
            id: self.next_peer,
            slot: self.dice.small(3),
            index: self.dice.small(3),
        };
        self.next_peer += 1;
        let held = self
            .model
            .peers
            .iter()
            .filter(|one| one.unit() == peer.unit())
            .count();
        let input = Input::Connected {
            peer: PeerId(peer.id),
            unit: peer.unit(),
        };
        let effects = self.step(input, &BTreeSet::new());
        let refused = effects.contains(&Effect::Disconnect {
            peer: PeerId(peer.id),
        });
        assert_eq!(refused, held == PEERS.per_bundle);
        if !refused {
            self.model.peers.push(peer);
        }
    }

    fn register(&mut self) {
        let Some(peer) = self.dice.pick(&self.model.peers) else {
            return;
        };
        let interface_number = self.dice.roll(INTERFACES.len());
        let ranking = i64::try_from(self.dice.roll(3)).unwrap();
        let verb = Verb::Register {
            interface: interface(INTERFACES[interface_number]),
            version: ONE,
            properties: ranked(ranking),
        };
        let of_unit: Vec<u64> = self
            .model
            .peers
            .iter()
            .filter(|one| one.unit() == peer.unit())
            .map(|one| one.id)
            .collect();
        let held = self
            .model
            .services
            .iter()
            .filter(|one| of_unit.contains(&one.peer))
            .count();
        let effects = self.ask(peer, verb, &BTreeSet::new());
        match reply(&effects) {
            Ok(Answer::Registered(id)) => self.model.services.push(model::Service {
                id,
                peer: peer.id,
                slot: peer.slot,
                interface: interface_number,
                ranking,
            }),
            other => {
                assert_eq!(other, Err(RegistryError::Quota));
                assert_eq!(held, SERVICES.per_bundle);
            }
        }
    }

    fn unregister(&mut self) {
        let Some(service) = self.dice.pick(&self.model.services) else {
            return;
        };
        let Some(peer) = self.dice.pick(&self.model.peers) else {
            return;
        };
        let mine = service.peer == peer.id;
        let mut cut = BTreeSet::new();
        if mine {
            self.model.services.retain(|one| one.id != service.id);
            cut = self.model.cut(|one| one.service == service.id);
        }
        let effects = self.ask(
            peer,
            Verb::Unregister {
                service: service.id,
            },
            &cut,
        );
        let expected = if mine {
            Ok(Answer::Done)
        } else {
            Err(RegistryError::NotFound)
        };
        assert_eq!(reply(&effects), expected);
    }

    fn get(&mut self) {
        let Some(service) = self.dice.pick(&self.model.services) else {
            return;
        };
        let Some(peer) = self.dice.pick(&self.model.peers) else {
            return;
        };
        let held = self
            .model
            .references
            .iter()
            .filter(|one| one.caller == peer.unit())
            .count();
        let effects = self.ask(
            peer,
            Verb::Get {
                service: service.id,
            },
            &BTreeSet::new(),
        );
        let handover = effects.iter().find_map(|effect| match effect {
            Effect::Hand(handover) => Some(handover),
            _ => None,
        });
        let permission = self.model.permission(peer.slot, &service);
        match (handover, permission) {
            (Some(handover), Some(grant)) => {
                assert_eq!(handover.record.grant, grant);
                assert_eq!(handover.service_peer.0, service.peer);
                self.model.references.push(model::Reference {
                    id: handover.reference,
                    caller: peer.unit(),
                    service_unit: handover.record.service,
                    service: service.id,
                    grant,
                });
            }
            (None, Some(_)) => {
                assert_eq!(reply(&effects), Err(RegistryError::Quota));
                let of_slot = self
                    .model
                    .references
                    .iter()
                    .filter(|one| one.caller.unit.slot() == peer.unit().unit.slot())
                    .count();
                assert!(held == REFERENCES.per_bundle || of_slot >= REFERENCES.guaranteed);
            }
            (None, None) => assert_eq!(reply(&effects), Err(RegistryError::NotFound)),
            (Some(handover), None) => panic!("handed over without permission: {handover:?}"),
        }
    }

    fn find(&mut self) {
        let Some(peer) = self.dice.pick(&self.model.peers) else {
            return;
        };
        let number = self.dice.roll(INTERFACES.len());
        let verb = Verb::Find {
            interface: interface(INTERFACES[number]),
            version: ONE,
            filter: Default::default(),
        };
        let effects = self.ask(peer, verb, &BTreeSet::new());
        let expected = self.model.found(peer.slot, number).into_iter().collect();
        assert_eq!(reply(&effects), Ok(Answer::Found(expected)));
    }

    fn watch(&mut self) {
        let Some(peer) = self.dice.pick(&self.model.peers) else {
            return;
        };
        let number = self.dice.roll(INTERFACES.len());
        self.told.entry((peer.id, number)).or_default();
        let verb = Verb::Watch {
            interface: interface(INTERFACES[number]),
        };
        let effects = self.ask(peer, verb, &BTreeSet::new());
        assert_eq!(reply(&effects), Ok(Answer::Done));
    }

    fn close(&mut self) {
        let Some(peer) = self.dice.pick(&self.model.peers) else {
            return;
        };
        let cut = self.model.close(peer);
        self.told.retain(|(who, _), _| *who != peer.id);
        self.step(
            Input::Closed {
                peer: PeerId(peer.id),
            },
            &cut,
        );
    }

    fn hang_up(&mut self) {
        let Some(reference) = self.dice.pick(&self.model.references) else {
            return;
        };
        self.model.cut(|one| one.id == reference.id);
        let effects = self.step(
            Input::HungUp {
                reference: reference.id,
            },
            &BTreeSet::new(),
        );
        assert!(effects.contains(&Effect::Forget {
            reference: reference.id
        }));
    }

    fn grant(&mut self) {
        let one = model::Grant {
            id: self.next_grant,
            exporter: self.dice.small(3),
            interface: self.dice.roll(INTERFACES.len()),
            consumer: self.dice.small(3),
            said: true,
        };
        self.next_grant += 1;
        self.model.grants.push(one);
        let input = grant(
            one.id,
            one.exporter,
            INTERFACES[one.interface],
            one.consumer,
        );
        self.step(input, &BTreeSet::new());
    }

    fn revoke(&mut self) {
        let Some(one) = self.dice.pick(&self.model.grants) else {
            return;
        };
        self.model.grants.retain(|other| other.id != one.id);
        let cut = self.model.cut(|reference| reference.grant == one.id);
        let references = u32::try_from(cut.len()).unwrap();
        let effects = self.step(Input::Decided(Decision::Revoke { id: one.id }), &cut);
        assert!(reports(&effects).contains(&Use::Revoked {
            id: one.id,
            references
        }));
    }

    /// A new link; some grants are said again, a look-up happens in between, then `Complete`.
    fn restart_steward(&mut self) {
        self.step(Input::Linked, &BTreeSet::new());
        self.model.incomplete = true;
        for place in 0..self.model.grants.len() {
            let said = self.dice.roll(4) != 0;
            self.model.grants[place].said = said;
            if said {
                let one = self.model.grants[place];
                let input = grant(
                    one.id,
                    one.exporter,
                    INTERFACES[one.interface],
                    one.consumer,
                );
                self.step(input, &BTreeSet::new());
            }
        }
        self.find();
        self.get();
        let cut = self.model.complete();
        self.step(Input::Decided(Decision::Complete), &cut);
    }

    fn check(&self) {
        let registry = &self.bench.registry;
        let held: Vec<u64> = registry.references.of(|_| true);
        let expected: Vec<u64> = self.model.references.iter().map(|one| one.id).collect();
        assert_eq!(held, expected);
        assert_eq!(registry.peers.len(), self.model.peers.len());
        assert!(registry.peers.values().all(|peer| peer.queued <= BACKLOG));
        for ((peer, number), told) in &self.told {
            let slot = self
                .model
                .peers
                .iter()
                .find(|one| one.id == *peer)
                .unwrap()
                .slot;
            assert_eq!(told, &self.model.visible(slot, *number), "watch of {peer}");
        }
        for unit in self.model.peers.iter().map(Peer::unit) {
            let references = self
                .model
                .references
                .iter()
                .filter(|one| one.caller == unit)
                .count();
            assert_eq!(registry.charged.references.of_bundle(unit.unit), references);
        }
    }

    /// Everybody leaves: nothing may stay charged.
    fn end(mut self) {
        while let Some(peer) = self.model.peers.first().copied() {
            let cut = self.model.close(peer);
            self.told.retain(|(who, _), _| *who != peer.id);
            self.step(
                Input::Closed {
                    peer: PeerId(peer.id),
                },
                &cut,
            );
        }
        while let Some(one) = self.model.references.first().copied() {
            self.model.cut(|other| other.id == one.id);
            self.step(Input::HungUp { reference: one.id }, &BTreeSet::new());
        }
        let charged = &self.bench.registry.charged;
        for ledger in [
            &charged.services,
            &charged.references,
            &charged.watches,
            &charged.peers,
        ] {
            assert!(ledger.is_empty());
        }
    }
}

#[test]
fn generated_histories_agree_with_the_model() {
    let fixed = std::env::var("LIMEN_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seeds = fixed.map_or(1..=24, |seed: u64| seed..=seed);
    for seed in seeds {
        println!("LIMEN_SEED={seed}");
        let mut history = History::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for _ in 0..1000 {
            history.event();
        }
        history.end();
    }
}
