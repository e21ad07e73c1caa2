//! What a bundle may ask, and the answers
//!
//! One request, one reply. A service that may not be used is not found, with the same words and
//! by the same path as one that does not exist.

use std::collections::BTreeSet;
use std::collections::btree_map::Entry;

use limen_proto::grant::Use;
use limen_proto::id::UnitRef;
use limen_proto::name::Interface;
use limen_proto::registry::{
    Answer, Event, FOUND, Properties, RegistryError, Request, Value, Verb, Version,
};

use super::{Registry, refusal};
use crate::core::effect::{Effect, Handover};
use crate::core::filter::Filter;
use crate::core::peers::PeerId;
use crate::core::references::Record;
use crate::core::services::{Offer, are_proper};

/// Who asks, and the number that the reply bears.
#[derive(Clone, Copy)]
struct Asker {
    peer: PeerId,
    unit: UnitRef,
    id: u32,
}

type Done = Result<(), RegistryError>;

impl Registry {
    pub(super) fn answer(&mut self, peer: PeerId, request: Request, effects: &mut Vec<Effect>) {
        let Some(unit) = self.peers.get(&peer).map(|peer| peer.unit) else {
            return;
        };
        let Request { id, verb } = request;
        let asker = Asker { peer, unit, id };
        let done = match verb {
            Verb::Register {
                interface,
                version,
                properties,
            } => self.register(asker, interface, version, properties, effects),
            Verb::Unregister { service } => self.unregister(asker, service, effects),
            Verb::Find {
                interface,
                version,
                filter,
            } => self.find(asker, (&interface, version), &filter, effects),
            Verb::Get { service } => self.get(asker, service, effects),
            Verb::Watch { interface } => self.watch(asker, interface, effects),
        };
        if let Err(error) = done {
            self.send(peer, refusal(id, error), effects);
        }
    }

    fn reply(&mut self, asker: Asker, answer: Answer, effects: &mut Vec<Effect>) {
        let event = Event::Reply {
            id: asker.id,
            result: Ok(answer),
        };
        self.send(asker.peer, event, effects);
    }

    fn register(
        &mut self,
        asker: Asker,
        interface: Interface,
        version: Version,
        properties: Properties,
        effects: &mut Vec<Effect>,
    ) -> Done {
        let slot = asker.unit.unit.slot().ok_or(RegistryError::NotFound)?;
        if !self.directory.exports(asker.unit, &interface) {
            return Err(RegistryError::NotExported);
        }
        if !are_proper(&properties) {
            return Err(RegistryError::Property);
        }
        let charge = self.charged.services.charge(asker.unit.unit);
        charge.map_err(|_| RegistryError::Quota)?;
        let id = self.fresh_id();
        let offer = Offer {
            peer: asker.peer,
            unit: asker.unit,
            slot,
            interface: interface.clone(),
            version,
            properties,
        };
        self.services.add(id, offer);
        self.reply(asker, Answer::Registered(id), effects);
        self.tell_watchers(&interface, effects);
        Ok(())
    }

    fn unregister(&mut self, asker: Asker, service: u64, effects: &mut Vec<Effect>) -> Done {
        self.services
            .get(service)
            .filter(|offer| offer.peer == asker.peer)
            .ok_or(RegistryError::NotFound)?;
        self.withdraw(service, effects);
        self.reply(asker, Answer::Done, effects);
        Ok(())
    }

    fn find(
        &mut self,
        asker: Asker,
        (interface, version): (&Interface, Version),
        filter: &str,
        effects: &mut Vec<Effect>,
    ) -> Done {
        let filter = if filter.is_empty() {
            None
        } else {
            let read: Result<Filter, _> = filter.parse();
            Some(read.map_err(|_| RegistryError::Filter)?)
        };
        let found = self
            .services
            .ranked(interface, Some(version))
            .into_iter()
            .filter(|(_, offer)| self.permission(asker.unit, offer).is_some())
            .filter(|(id, offer)| {
                let look_up = |name: &str| self.attribute(name, *id, offer);
                filter
                    .as_ref()
                    .is_none_or(|filter| filter.matches(&look_up))
            })
            .map(|(id, _)| id)
            .take(FOUND)
            .collect();
        self.reply(asker, Answer::Found(found), effects);
        Ok(())
    }

    /// What a filter sees under a name: the broker's own attributes, then the properties.
    fn attribute(&self, name: &str, id: u64, offer: &Offer) -> Option<Value> {
        let text = |text: &str| text.try_into().ok().map(Value::Text);
        if name.eq_ignore_ascii_case("service.id") {
            i64::try_from(id).ok().map(Value::Integer)
        } else if name.eq_ignore_ascii_case("objectclass") {
            text(offer.interface.as_str())
        } else if name.eq_ignore_ascii_case("service.provider") {
            text(self.directory.provider(offer.slot)?.as_str())
        } else {
            offer.property(name)
        }
    }

    fn get(&mut self, asker: Asker, service: u64, effects: &mut Vec<Effect>) -> Done {
        let offer = self.services.get(service);
        let offer = offer.ok_or(RegistryError::NotFound)?;
        let permission = self.permission(asker.unit, offer);
        let grant = permission.ok_or(RegistryError::NotFound)?;
        let described = self.describe(service, offer);
        let (Some(description), Some(caller)) = (described, self.directory.identity(asker.unit))
        else {
            return Err(RegistryError::NotFound);
        };
        let (service_peer, service_unit) = (offer.peer, offer.unit);
        if !self
            .peers
            .get(&service_peer)
            .is_some_and(|peer| peer.takes_more())
        {
            return Err(RegistryError::Busy);
        }
        let charge = self.charged.references.charge(asker.unit.unit);
        charge.map_err(|_| RegistryError::Quota)?;
        let record = Record {
            caller: asker.unit,
            service: service_unit,
            service_id: service,
            grant,
        };
        let reference = self.fresh_id();
        self.references.add(reference, record);
        for peer in [service_peer, asker.peer] {
            if let Some(state) = self.peers.get_mut(&peer) {
                state.queued += 1;
            }
        }
        effects.push(Effect::Hand(Handover {
            reference,
            record,
            caller_peer: asker.peer,
            request: asker.id,
            service: description,
            service_peer,
            caller,
        }));
        if grant != 0 {
            effects.push(Effect::Report(Use::Handed { id: grant }));
        }
        Ok(())
    }

    fn watch(&mut self, asker: Asker, interface: Interface, effects: &mut Vec<Effect>) -> Done {
        let peer = self.peers.get_mut(&asker.peer);
        let peer = peer.ok_or(RegistryError::NotFound)?;
        if let Entry::Vacant(place) = peer.watches.entry(interface) {
            let charge = self.charged.watches.charge(asker.unit.unit);
            charge.map_err(|_| RegistryError::Quota)?;
            place.insert(BTreeSet::new());
        }
        self.reply(asker, Answer::Done, effects);
        self.tell(asker.peer, effects);
        Ok(())
    }
}
