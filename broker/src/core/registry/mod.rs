//! The registry: one transition over all tables
//!
//! | input | what follows |
//! |---|---|
//! | listener | nothing: whoever arrives there is this unit |
//! | ended | its connections, services, references both ways and listener end |
//! | stored | the reference is known again, charged to its caller |
//! | not stored | the reference is cut: it could not be revoked after a restart |
//! | linked | look-ups across providers find nothing until `Complete` |
//! | decided: provider, bundle | who waited unread is served; exports that are gone are withdrawn |
//! | decided: grant, revoke, complete | watchers are told; references of grants that are over are cut |
//! | connected | a peer, or a disconnect beyond its share |
//! | asked | one reply; see `requests` |
//! | broke | `Malformed`, blame, disconnect |
//! | closed | its watches end, its services are withdrawn, references to them cut |
//! | sent | one more frame may wait: held-back news follow |
//! | hung up | the reference is forgotten |
//! | not handed | the caller is told `Busy` |
//!
//! Invariants, checked by the generated histories in `tests`: every reference belongs to a live
//! grant or lies within one provider, once the steward was heard; every table's charges equal its
//! entries; no more than [`BACKLOG`](super::peers::BACKLOG) frames wait for anybody.

mod lifetimes;
mod news;
mod requests;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use limen_proto::grant::{Decision, Grant, Use};
use limen_proto::id::{UnitId, UnitRef};
use limen_proto::registry::{Event, RegistryError};

use super::directory::Directory;
use super::effect::Effect;
use super::grants::Grants;
use super::input::Input;
use super::ledger::{self, Ledger};
use super::peers::{Peer, PeerId};
use super::references::{Record, References};
use super::services::Services;

/// Everything that the broker knows.
#[derive(Debug, Clone)]
pub struct Registry {
    directory: Directory,
    grants: Grants,
    services: Services,
    references: References,
    peers: BTreeMap<PeerId, Peer>,
    charged: Charged,
    next_id: u64,
}

#[derive(Debug, Clone)]
struct Charged {
    services: Ledger,
    references: Ledger,
    watches: Ledger,
    peers: Ledger,
}

impl Registry {
    /// An empty registry whose services and references are numbered from `first_id`. No number
    /// may have been used by an earlier broker since init started.
    pub fn new(first_id: u64) -> Self {
        Self {
            directory: Directory::default(),
            grants: Grants::default(),
            services: Services::default(),
            references: References::default(),
            peers: BTreeMap::new(),
            charged: Charged {
                services: Ledger::new(ledger::SERVICES),
                references: Ledger::new(ledger::REFERENCES),
                watches: Ledger::new(ledger::WATCHES),
                peers: Ledger::new(ledger::PEERS),
            },
            next_id: first_id.max(1),
        }
    }

    /// One input; what is to be done is appended to `effects`.
    pub fn step(&mut self, input: Input, effects: &mut Vec<Effect>) {
        match input {
            // The listener is the shell's; the unit is known when somebody arrives there.
            Input::Listener(_) => {}
            Input::Ended(unit) => self.end_unit(unit, effects),
            Input::Stored { reference, record } => self.restore(reference, record),
            Input::NotStored { reference } => self.cut(reference, effects),
            Input::Linked => self.grants.begin(),
            Input::Decided(decision) => self.decided(decision, effects),
            Input::Connected { peer, unit } => self.connect(peer, unit, effects),
            Input::Asked { peer, request } => self.answer(peer, request, effects),
            Input::Broke { peer } => self.blame(peer, effects),
            Input::Closed { peer } => self.close(peer, effects),
            Input::Sent { peer } => self.sent(peer, effects),
            Input::HungUp { reference } => self.hung_up(reference, effects),
            Input::NotHanded {
                reference,
                caller,
                request,
                service,
            } => self.not_handed(reference, (caller, request), service, effects),
        }
    }

    /// Whether a peer may be read: nothing waits for it, and the steward has said who it is.
    pub fn may_ask(&self, peer: PeerId) -> bool {
        self.peers
            .get(&peer)
            .is_some_and(|peer| peer.queued == 0 && self.directory.identity(peer.unit).is_some())
    }

    /// Whether one more connection would be kept. Otherwise it may as well wait in the kernel.
    pub fn may_connect(&self, unit: UnitRef) -> bool {
        self.charged.peers.has_room(unit.unit)
    }

    fn decided(&mut self, decision: Decision, effects: &mut Vec<Effect>) {
        match decision {
            Decision::Provider { slot, name } => self.directory.name_provider(slot, name),
            Decision::Bundle {
                unit,
                name,
                exports,
            } => {
                self.directory.name_bundle(unit, name, exports);
                self.withdraw_unexported(unit, effects);
            }
            Decision::Grant(grant) => {
                let interface = grant.interface.clone();
                self.grants.add(grant);
                self.tell_watchers(&interface, effects);
            }
            Decision::Revoke { id } => {
                let grant = self.grants.remove(id);
                self.end_grant(id, grant.as_ref(), effects);
            }
            Decision::Complete => self.complete(effects),
        }
    }

    /// Ends what the steward no longer said, tells it what is held, then serves look-ups across
    /// providers again.
    fn complete(&mut self, effects: &mut Vec<Effect>) {
        for grant in self.grants.complete() {
            self.end_grant(grant.id, Some(&grant), effects);
        }
        for id in self.references.grants() {
            if !self.grants.holds(id) {
                self.end_grant(id, None, effects);
            }
        }
        let held = self.references.held_under_grants();
        effects.extend(held.map(|id| Effect::Report(Use::Handed { id })));
        self.tell_all_watchers(effects);
    }

    fn end_grant(&mut self, id: u64, grant: Option<&Grant>, effects: &mut Vec<Effect>) {
        let under = self.references.of(|record| record.grant == id && id != 0);
        let references = u32::try_from(under.len()).unwrap_or(u32::MAX);
        for reference in under {
            self.discard(reference);
            effects.push(Effect::Cut { reference });
        }
        effects.push(Effect::Report(Use::Revoked { id, references }));
        if let Some(grant) = grant {
            self.tell_watchers(&grant.interface, effects);
        }
    }

    fn connect(&mut self, peer: PeerId, unit: UnitRef, effects: &mut Vec<Effect>) {
        let is_bundle = matches!(unit.unit, UnitId::Bundle(..));
        if !is_bundle || self.charged.peers.charge(unit.unit).is_err() {
            effects.push(Effect::Disconnect { peer });
            return;
        }
        self.peers.insert(peer, Peer::new(unit));
    }

    fn blame(&mut self, peer: PeerId, effects: &mut Vec<Effect>) {
        let Some(unit) = self.peers.get(&peer).map(|peer| peer.unit) else {
            return;
        };
        self.send(peer, refusal(0, RegistryError::Malformed), effects);
        effects.push(Effect::Report(Use::Blamed { unit }));
        effects.push(Effect::Disconnect { peer });
        self.close(peer, effects);
    }

    fn sent(&mut self, peer: PeerId, effects: &mut Vec<Effect>) {
        if let Some(state) = self.peers.get_mut(&peer) {
            state.queued = state.queued.saturating_sub(1);
            self.tell(peer, effects);
        }
    }

    /// Queues an event and charges the peer's queue.
    fn send(&mut self, peer: PeerId, event: Event, effects: &mut Vec<Effect>) {
        if let Some(state) = self.peers.get_mut(&peer) {
            state.queued += 1;
            effects.push(Effect::Send { peer, event });
        }
    }

    fn restore(&mut self, reference: u64, record: Record) {
        self.next_id = self.next_id.max(reference.saturating_add(1));
        self.charged.references.charge_anyway(record.caller.unit);
        self.references.add(reference, record);
    }

    const fn fresh_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id = id.saturating_add(1);
        id
    }
}

const fn refusal(id: u32, error: RegistryError) -> Event {
    Event::Reply {
        id,
        result: Err(error),
    }
}
