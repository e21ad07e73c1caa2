//! What the registry promises, case by case; `history` holds it against a model

mod cases;
mod history;
mod model;

use limen_proto::grant::{Decision, Grant, Use};
use limen_proto::id::{BundleIndex, Generation, Slot, UnitId, UnitRef};
use limen_proto::name::Interface;
use limen_proto::registry::{
    Answer, Event, Properties, RegistryError, Request, Value, Verb, Version,
};

use crate::core::peers::PeerId;
use crate::core::{Effect, Handover, Input, Registry};

pub(super) const ONE: Version = Version { major: 1, minor: 0 };

pub(super) fn slot(number: u16) -> Slot {
    Slot::new(number).unwrap()
}

pub(super) fn unit(place: u16, index: u16, generation: u32) -> UnitRef {
    UnitRef {
        unit: UnitId::Bundle(slot(place), BundleIndex::new(index).unwrap()),
        generation: Generation(generation),
    }
}

pub(super) fn interface(name: &str) -> Interface {
    name.parse().unwrap()
}

pub(super) fn bundle(unit: UnitRef, exports: &[&str]) -> Input {
    Input::Decided(Decision::Bundle {
        unit,
        name: "thing".parse().unwrap(),
        exports: exports.iter().map(|name| interface(name)).collect(),
    })
}

pub(super) fn provider(place: u16, name: &str) -> Input {
    Input::Decided(Decision::Provider {
        slot: slot(place),
        name: name.parse().unwrap(),
    })
}

pub(super) fn grant(id: u64, exporter: u16, name: &str, consumer: u16) -> Input {
    Input::Decided(Decision::Grant(Grant {
        id,
        exporter: slot(exporter),
        interface: interface(name),
        consumer: slot(consumer),
    }))
}

pub(super) fn ranked(ranking: i64) -> Properties {
    let property = (interface("service.ranking"), Value::Integer(ranking));
    Properties::from_iter([property])
}

/// A registry whose peers read at once.
pub(super) struct Bench {
    pub(super) registry: Registry,
    pub(super) effects: Vec<Effect>,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self {
            registry: Registry::new(1),
            effects: Vec::new(),
        }
    }

    /// Two providers: slot 1 exports `energy.meter` from (1,0) at peer 1; slot 2 has (2,0) at
    /// peer 2 and exports nothing.
    pub(super) fn two_providers() -> Self {
        let mut bench = Self::new();
        for input in [
            Input::Linked,
            provider(1, "energy"),
            provider(2, "alarm"),
            bundle(unit(1, 0, 1), &["energy.meter"]),
            bundle(unit(2, 0, 1), &[]),
            Input::Decided(Decision::Complete),
            Input::Connected {
                peer: PeerId(1),
                unit: unit(1, 0, 1),
            },
            Input::Connected {
                peer: PeerId(2),
                unit: unit(2, 0, 1),
            },
        ] {
            bench.step(input);
        }
        bench
    }

    /// One input; frames that it queued are read at once.
    pub(super) fn step(&mut self, input: Input) -> Vec<Effect> {
        let mut all = Vec::new();
        let mut inputs = std::collections::VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            self.registry.step(input, &mut self.effects);
            for effect in self.effects.drain(..) {
                match &effect {
                    Effect::Send { peer, .. } => inputs.push_back(Input::Sent { peer: *peer }),
                    Effect::Hand(Handover {
                        caller_peer,
                        service_peer,
                        ..
                    }) => {
                        inputs.push_back(Input::Sent { peer: *caller_peer });
                        inputs.push_back(Input::Sent {
                            peer: *service_peer,
                        });
                    }
                    _ => {}
                }
                all.push(effect);
            }
        }
        all
    }

    pub(super) fn ask(&mut self, peer: u64, verb: Verb) -> Vec<Effect> {
        let request = Request { id: 7, verb };
        self.step(Input::Asked {
            peer: PeerId(peer),
            request,
        })
    }

    pub(super) fn register(
        &mut self,
        peer: u64,
        name: &str,
        properties: Properties,
    ) -> Result<u64, RegistryError> {
        let effects = self.ask(
            peer,
            Verb::Register {
                interface: interface(name),
                version: ONE,
                properties,
            },
        );
        match reply(&effects)? {
            Answer::Registered(id) => Ok(id),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn find(
        &mut self,
        peer: u64,
        name: &str,
        filter: &str,
    ) -> Result<Vec<u64>, RegistryError> {
        let verb = Verb::Find {
            interface: interface(name),
            version: ONE,
            filter: filter.try_into().unwrap(),
        };
        match reply(&self.ask(peer, verb))? {
            Answer::Found(found) => Ok(found.to_vec()),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn get(&mut self, peer: u64, service: u64) -> Result<Handover, RegistryError> {
        let effects = self.ask(peer, Verb::Get { service });
        let handover = effects.iter().find_map(|effect| match effect {
            Effect::Hand(handover) => Some(handover.clone()),
            _ => None,
        });
        handover.map_or_else(|| Err(reply(&effects).unwrap_err()), Ok)
    }

    pub(super) fn revoke(&mut self, id: u64) -> Vec<Effect> {
        self.step(Input::Decided(Decision::Revoke { id }))
    }
}

pub(super) fn reply(effects: &[Effect]) -> Result<Answer, RegistryError> {
    effects
        .iter()
        .find_map(|effect| match effect {
            Effect::Send {
                event: Event::Reply { result, .. },
                ..
            } => Some(result.clone()),
            _ => None,
        })
        .expect("every request is answered")
}

/// Numbers of the references that were cut.
pub(super) fn cuts(effects: &[Effect]) -> Vec<u64> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Cut { reference } => Some(*reference),
            _ => None,
        })
        .collect()
}

pub(super) fn reports(effects: &[Effect]) -> Vec<Use> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Report(report) => Some(report.clone()),
            _ => None,
        })
        .collect()
}
