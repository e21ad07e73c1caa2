//! Telling the broker who is who and who may use what
//!
//! After a new link: everything, then `Complete`. Afterwards each change as it happens. A bundle is
//! told with each new life of its unit, as soon as init reports it. What was told is remembered, so
//! nothing is told twice and a grant whose consumer arrives later is told then.

use std::collections::{BTreeMap, BTreeSet};

use limen_proto::grant::{Decision, Grant, Use};
use limen_proto::id::{Generation, Slot, UnitId};
use limen_proto::name::Name;
use limen_proto::state::UnitState;

use super::Steward;
use super::audit::{BOX, event};
use super::desired::{GrantRecord, Phase};
use super::turn::{Effect, Turn};

/// What the broker knows over this link.
#[derive(Debug, Default)]
pub(super) struct Told {
    bundles: BTreeMap<UnitId, Generation>,
    grants: BTreeSet<u64>,
    complete: bool,
}

impl Steward {
    /// A fresh broker, or a fresh link to it.
    pub(super) fn greet_broker(&mut self, turn: &mut Turn<'_>) {
        self.grants_told = Told::default();
        // The broker says anew what is held.
        self.references.clear();
        let slots: Vec<Slot> = self.desired.vgws.keys().copied().collect();
        for slot in slots {
            self.tell_provider(turn, slot);
        }
    }

    /// Tells what became true since. Before init was heard to the end, bundles that run are not
    /// known, and a `Complete` would be a lie.
    pub(super) fn broker_settle(&mut self, turn: &mut Turn<'_>) {
        if !self.links.broker || self.listing != super::Listing::Done {
            return;
        }
        self.tell_bundles(turn);
        let grants: Vec<GrantRecord> = self
            .desired
            .grants
            .values()
            .filter(|grant| !self.grants_told.grants.contains(&grant.id))
            .cloned()
            .collect();
        for grant in &grants {
            self.tell_grant(turn, grant);
        }
        if !self.grants_told.complete {
            self.grants_told.complete = true;
            turn.push(Effect::Decide(Decision::Complete));
        }
    }

    pub(super) fn tell_provider(&mut self, turn: &mut Turn<'_>, slot: Slot) {
        let Some(vgw) = self.desired.vgws.get(&slot).filter(|_| self.links.broker) else {
            return;
        };
        turn.push(Effect::Decide(Decision::Provider {
            slot,
            name: vgw.provider.clone(),
        }));
    }

    fn tell_bundles(&mut self, turn: &mut Turn<'_>) {
        for ((slot, index), bundle) in &self.desired.bundles {
            let id = UnitId::Bundle(*slot, *index);
            let Some(report) = self.units.get(id).report else {
                self.grants_told.bundles.remove(&id);
                continue;
            };
            let told = self.grants_told.bundles.get(&id) == Some(&report.unit.generation);
            if report.state == UnitState::Idle || told {
                continue;
            }
            // Not the exports of a newer version to a unit that still is the older one.
            if !super::spec::bundle_tag(bundle).is_ok_and(|tag| report.tag == tag) {
                continue;
            }
            let exports = bundle.summary.exports.iter().map(|(name, _)| name.clone());
            turn.push(Effect::Decide(Decision::Bundle {
                unit: report.unit,
                name: bundle.summary.name.clone(),
                exports: exports.take(8).collect(),
            }));
            self.grants_told.bundles.insert(id, report.unit.generation);
        }
    }

    /// Tells a grant, if both providers are on the box.
    pub(super) fn tell_grant(&mut self, turn: &mut Turn<'_>, grant: &GrantRecord) {
        if !self.links.broker || self.grants_told.grants.contains(&grant.id) {
            return;
        }
        let slot_of = |provider: &Name| {
            self.desired
                .vgw_of(provider)
                .filter(|vgw| vgw.phase != Phase::Removing)
                .map(|vgw| vgw.slot)
        };
        let (Some(exporter), Some(consumer)) = (slot_of(&grant.exporter), slot_of(&grant.consumer))
        else {
            return;
        };
        turn.push(Effect::Decide(Decision::Grant(Grant {
            id: grant.id,
            exporter,
            interface: grant.interface.clone(),
            consumer,
        })));
        self.grants_told.grants.insert(grant.id);
    }

    pub(super) fn tell_revoked(&mut self, turn: &mut Turn<'_>, ids: &[u64]) {
        for id in ids {
            self.references.remove(id);
            if self.grants_told.grants.remove(id) && self.links.broker {
                turn.push(Effect::Decide(Decision::Revoke { id: *id }));
            }
        }
    }

    pub(super) fn used(&mut self, turn: &mut Turn<'_>, event_of_use: Use) {
        match event_of_use {
            Use::Handed { id } => {
                if self.desired.grants.contains_key(&id) {
                    let count = self.references.entry(id).or_default();
                    *count = count.saturating_add(1);
                }
            }
            Use::Released { id } => {
                if let Some(count) = self.references.get_mut(&id) {
                    *count = count.saturating_sub(1);
                }
            }
            Use::Revoked { id, references } => {
                let text = format!(
                    "revocation of grant {id} took effect; {references} references were cut"
                );
                self.note(turn, event(turn.now, BOX, None, &text, ""));
            }
            Use::Blamed { unit } => {
                let provider = unit.unit.slot().and_then(|slot| self.provider_of(slot));
                let text = "refused a bundle that broke the broker's protocol";
                let detail = unit.unit.to_string();
                let draft = event(turn.now, BOX, provider.as_ref(), text, &detail);
                self.throttled(turn, draft.alarming());
            }
        }
    }
}
