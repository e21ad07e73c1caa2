//! How things end
//!
//! A service ends with the connection that registered it, everything of a unit with the unit. A
//! reference ends when either side is over, when its grant is, or when its caller hangs up; the
//! survivor sees the hang-up, because the pair is shut down or its last descriptor closed.

use limen_proto::grant::Use;
use limen_proto::id::UnitRef;
use limen_proto::registry::RegistryError;

use super::{Registry, refusal};
use crate::core::effect::Effect;
use crate::core::peers::PeerId;
use crate::core::references::Record;

impl Registry {
    pub(super) fn end_unit(&mut self, unit: UnitRef, effects: &mut Vec<Effect>) {
        effects.push(Effect::CloseListener(unit));
        let peers: Vec<PeerId> = self
            .peers
            .iter()
            .filter(|(_, peer)| peer.unit == unit)
            .map(|(id, _)| *id)
            .collect();
        for peer in peers {
            effects.push(Effect::Disconnect { peer });
            self.close(peer, effects);
        }
        let held = |record: &Record| record.caller == unit || record.service == unit;
        for reference in self.references.of(held) {
            self.cut(reference, effects);
        }
        self.directory.forget(unit);
    }

    pub(super) fn close(&mut self, peer: PeerId, effects: &mut Vec<Effect>) {
        let Some(gone) = self.peers.remove(&peer) else {
            return;
        };
        self.charged.peers.release(gone.unit.unit);
        for _ in &gone.watches {
            self.charged.watches.release(gone.unit.unit);
        }
        for service in self.services.of(|offer| offer.peer == peer) {
            self.withdraw(service, effects);
        }
        if self.peers.values().all(|other| other.unit != gone.unit) {
            self.cut_orphans(gone.unit, effects);
        }
    }

    /// References to services of an earlier broker's life end with the unit's last connection:
    /// no other connection can be told to be theirs.
    fn cut_orphans(&mut self, unit: UnitRef, effects: &mut Vec<Effect>) {
        for reference in self.references.of(|record| record.service == unit) {
            self.cut(reference, effects);
        }
    }

    /// Removes a service and cuts the references to it.
    pub(super) fn withdraw(&mut self, service: u64, effects: &mut Vec<Effect>) {
        let Some(offer) = self.services.remove(service) else {
            return;
        };
        self.charged.services.release(offer.unit.unit);
        for reference in self.references.of(|record| record.service_id == service) {
            self.cut(reference, effects);
        }
        self.tell_watchers(&offer.interface, effects);
    }

    pub(super) fn withdraw_unexported(&mut self, unit: UnitRef, effects: &mut Vec<Effect>) {
        let gone: Vec<u64> = self
            .services
            .of(|offer| offer.unit == unit && !self.directory.exports(unit, &offer.interface));
        for service in gone {
            self.withdraw(service, effects);
        }
    }

    /// Shuts a reference down for both sides.
    pub(super) fn cut(&mut self, reference: u64, effects: &mut Vec<Effect>) {
        if let Some(record) = self.discard(reference) {
            effects.push(Effect::Cut { reference });
            report_release(&record, effects);
        }
    }

    pub(super) fn hung_up(&mut self, reference: u64, effects: &mut Vec<Effect>) {
        if let Some(record) = self.discard(reference) {
            effects.push(Effect::Forget { reference });
            report_release(&record, effects);
        }
    }

    /// Takes a reference out of the table and gives its charge back.
    pub(super) fn discard(&mut self, reference: u64) -> Option<Record> {
        let record = self.references.remove(reference)?;
        self.charged.references.release(record.caller.unit);
        Some(record)
    }

    /// Both queues were charged for the handover: the service's frame will not come, and the
    /// caller's place is taken by the refusal.
    pub(super) fn not_handed(
        &mut self,
        reference: u64,
        (caller, request): (PeerId, u32),
        service: PeerId,
        effects: &mut Vec<Effect>,
    ) {
        if let Some(record) = self.discard(reference) {
            report_release(&record, effects);
        }
        if self.peers.contains_key(&caller) {
            let event = refusal(request, RegistryError::Busy);
            effects.push(Effect::Send {
                peer: caller,
                event,
            });
        }
        self.sent(service, effects);
    }
}

fn report_release(record: &Record, effects: &mut Vec<Effect>) {
    if record.grant != 0 {
        effects.push(Effect::Report(Use::Released { id: record.grant }));
    }
}
