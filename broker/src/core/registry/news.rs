//! News: watched interfaces
//!
//! A watch remembers which services its peer was told of. News are the difference to what it may
//! use now, computed when something changed and again when a frame left the peer's queue: nothing is
//! queued beyond the backlog, a slow reader sees fewer steps but ends at the truth, and each
//! service is announced exactly once. Nothing is computed while the steward's word is incomplete,
//! so that a restarted steward makes no services flicker.

use std::collections::BTreeSet;

use limen_proto::id::UnitRef;
use limen_proto::name::Interface;
use limen_proto::registry::{Event, Service};

use super::Registry;
use crate::core::effect::Effect;
use crate::core::peers::PeerId;
use crate::core::services::Offer;

impl Registry {
    /// The grant number under which a unit may use a service now: 0 within one provider.
    pub(super) fn permission(&self, unit: UnitRef, offer: &Offer) -> Option<u64> {
        let consumer = unit.unit.slot()?;
        if consumer == offer.slot {
            return Some(0);
        }
        self.grants.between(offer.slot, &offer.interface, consumer)
    }

    /// The service as a peer learns of it.
    pub(super) fn describe(&self, id: u64, offer: &Offer) -> Option<Service> {
        Some(Service {
            id,
            provider: self.directory.provider(offer.slot)?.clone(),
            interface: offer.interface.clone(),
            version: offer.version,
            properties: offer.properties.clone(),
        })
    }

    pub(super) fn tell_watchers(&mut self, interface: &Interface, effects: &mut Vec<Effect>) {
        let watchers: Vec<PeerId> = self
            .peers
            .iter()
            .filter(|(_, peer)| peer.watches.contains_key(interface))
            .map(|(id, _)| *id)
            .collect();
        for peer in watchers {
            self.tell(peer, effects);
        }
    }

    pub(super) fn tell_all_watchers(&mut self, effects: &mut Vec<Effect>) {
        let watchers: Vec<PeerId> = self.peers.keys().copied().collect();
        for peer in watchers {
            self.tell(peer, effects);
        }
    }

    /// Sends a peer as much news as its backlog takes.
    pub(super) fn tell(&mut self, peer: PeerId, effects: &mut Vec<Effect>) {
        while let Some(state) = self.peers.get(&peer).filter(|peer| peer.takes_more()) {
            let next = state
                .watches
                .iter()
                .find_map(|(interface, told)| self.news(state.unit, interface, told));
            let Some((interface, id, service)) = next else {
                return;
            };
            self.record_told(peer, &interface, id, service.is_some());
            let event = service.map_or(Event::Disappeared { service: id }, Event::Appeared);
            self.send(peer, event, effects);
        }
    }

    /// The next difference between what a watcher was told and what is.
    fn news(
        &self,
        unit: UnitRef,
        interface: &Interface,
        told: &BTreeSet<u64>,
    ) -> Option<(Interface, u64, Option<Service>)> {
        let now = self.services.ranked(interface, None);
        let usable = |offer: &Offer| self.permission(unit, offer).is_some();
        let pending = !self.grants.is_complete();
        let is_there = |id: u64| {
            now.iter().any(|(other, offer)| {
                *other == id && (usable(offer) || (pending && Some(offer.slot) != unit.unit.slot()))
            })
        };
        if let Some(id) = told.iter().find(|id| !is_there(**id)) {
            return Some((interface.clone(), *id, None));
        }
        now.iter()
            .filter(|(id, offer)| !told.contains(id) && usable(offer))
            .find_map(|(id, offer)| {
                Some((interface.clone(), *id, Some(self.describe(*id, offer)?)))
            })
    }

    fn record_told(&mut self, peer: PeerId, interface: &Interface, id: u64, appeared: bool) {
        let told = self
            .peers
            .get_mut(&peer)
            .and_then(|peer| peer.watches.get_mut(interface));
        if let Some(told) = told {
            if appeared {
                told.insert(id);
            } else {
                told.remove(&id);
            }
        }
    }
}
