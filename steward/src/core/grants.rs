//! Grants: given by the exporting provider, while a bundle of it exports
//!
//! A grant stands only as long as an installed bundle of the exporter offers the interface to the
//! consumer: its signed manifest is the outer bound of what can be granted. The consumer need not
//! be on the box: an exporter that was told "no such provider" would learn who else lives there.

use limen_proto::manage::{Answer, Grant};
use limen_proto::name::{Interface, Name};

use super::audit::{BOX, event};
use super::calls::Asking;
use super::desired::{Change, GrantRecord, VgwRecord};
use super::refusal::{conflict, invalid, no_grant, not_admitted, not_found};
use super::turn::Turn;
use super::{Outcome, Steward};

/// Most grants of one exporter.
const GRANTS: usize = 64;

impl Steward {
    pub(super) fn add_grant(
        &mut self,
        turn: &mut Turn<'_>,
        asking: &Asking,
        vgw: &VgwRecord,
        interface: &Interface,
        consumer: &Name,
    ) -> Outcome {
        let exporter = &vgw.provider;
        if consumer == exporter {
            return Err(invalid(
                "bundles of one provider need no grant to use each other's services",
            ));
        }
        self.offered(vgw, interface, consumer)?;
        let same = self.desired.grants.values().find(|grant| {
            grant.exporter == *exporter
                && grant.interface == *interface
                && grant.consumer == *consumer
        });
        if let Some(grant) = same {
            return Err(conflict(format!(
                "grant {} already lets {consumer} use {interface}",
                grant.id
            )));
        }
        if self.grants_given(exporter).count() >= GRANTS {
            return Err(not_admitted(format!(
                "{GRANTS} grants were given already; revoke one"
            )));
        }
        let record = GrantRecord {
            id: self.desired.marks.grant + 1,
            exporter: exporter.clone(),
            interface: interface.clone(),
            consumer: consumer.clone(),
            created: turn.now.seconds(),
        };
        let text = format!("granted {interface} of {exporter} to {consumer}");
        let draft = event(turn.now, &asking.actor(), Some(exporter), &text, "");
        self.commit_with(turn, draft, vec![Change::Grant(record.clone())])?;
        self.tell_grant(turn, &record);
        Ok(Some(Answer::Grant(self.grant_view(&record))))
    }

    fn offered(
        &self,
        vgw: &VgwRecord,
        interface: &Interface,
        consumer: &Name,
    ) -> Result<(), limen_proto::manage::Refusal> {
        if self.desired.exports(&vgw.provider, interface, consumer) {
            return Ok(());
        }
        let mut offered: Vec<&str> = self
            .desired
            .installed(vgw.slot)
            .flat_map(|bundle| &bundle.summary.exports)
            .filter(|(name, _)| name == interface)
            .flat_map(|(_, to)| to.iter().map(Name::as_str))
            .collect();
        let exported = self.desired.installed(vgw.slot).any(|bundle| {
            bundle
                .summary
                .exports
                .iter()
                .any(|(name, _)| name == interface)
        });
        offered.sort_unstable();
        offered.dedup();
        if !exported {
            return Err(not_found(format!(
                "no installed bundle exports {interface}; install one whose manifest does"
            )));
        }
        let to = if offered.is_empty() {
            "nobody".to_owned()
        } else {
            offered.join(", ")
        };
        Err(invalid(format!(
            "{interface} is exported to {to}, not to {consumer}; sign a manifest that names {consumer} in `to`"
        )))
    }

    pub(super) fn revoke_grant(
        &mut self,
        turn: &mut Turn<'_>,
        asking: &Asking,
        vgw: &VgwRecord,
        id: u64,
    ) -> Outcome {
        let grant = self
            .desired
            .grants
            .get(&id)
            .filter(|grant| grant.exporter == vgw.provider)
            .cloned()
            .ok_or_else(|| no_grant(id))?;
        let text = format!(
            "revoked grant {id}: {} of {} to {}",
            grant.interface, grant.exporter, grant.consumer
        );
        let draft = event(turn.now, &asking.actor(), Some(&grant.exporter), &text, "");
        self.commit_with(turn, draft, vec![Change::NoGrant(id)])?;
        self.tell_revoked(turn, &[id]);
        Ok(Some(Answer::Done))
    }

    /// Grants that no installed bundle backs any more end with the bundle that did.
    pub(super) fn drop_uncovered_grants(&mut self, turn: &mut Turn<'_>, exporter: &Name) {
        let gone: Vec<GrantRecord> = self
            .grants_given(exporter)
            .filter(|grant| {
                !self
                    .desired
                    .exports(exporter, &grant.interface, &grant.consumer)
            })
            .cloned()
            .collect();
        for grant in gone {
            let text = format!(
                "grant {} ended: no bundle of {} exports {} to {} any more",
                grant.id, grant.exporter, grant.interface, grant.consumer
            );
            let draft = event(turn.now, BOX, Some(exporter), &text, "");
            if self
                .commit_with(turn, draft, vec![Change::NoGrant(grant.id)])
                .is_ok()
            {
                self.tell_revoked(turn, &[grant.id]);
            }
        }
    }

    fn grants_given(&self, exporter: &Name) -> impl Iterator<Item = &GrantRecord> {
        self.desired
            .grants
            .values()
            .filter(move |grant| grant.exporter == *exporter)
    }

    /// Grants that a provider gave or received.
    pub(super) fn grants_of(&self, provider: &Name) -> Vec<u64> {
        self.desired
            .grants
            .values()
            .filter(|grant| grant.exporter == *provider || grant.consumer == *provider)
            .map(|grant| grant.id)
            .collect()
    }

    pub(super) fn grant_views(&self, provider: Option<&Name>) -> Vec<Grant> {
        self.desired
            .grants
            .values()
            .filter(|grant| {
                provider.is_none_or(|own| grant.exporter == *own || grant.consumer == *own)
            })
            .map(|grant| self.grant_view(grant))
            .collect()
    }

    fn grant_view(&self, grant: &GrantRecord) -> Grant {
        Grant {
            id: grant.id,
            exporter: grant.exporter.clone(),
            interface: grant.interface.clone(),
            consumer: grant.consumer.clone(),
            created: grant.created,
            references: self.references.get(&grant.id).copied().unwrap_or(0),
        }
    }
}
