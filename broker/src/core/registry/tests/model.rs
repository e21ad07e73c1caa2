//! A naive model of the registry: lists, searched from the start each time

use std::collections::BTreeSet;

use limen_proto::id::UnitRef;

use super::unit;

/// Interfaces of the generated world; every bundle exports all of them.
pub(super) const INTERFACES: [&str; 3] = ["a.one", "a.two", "b.one"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) id: u64,
    pub(super) peer: u64,
    pub(super) slot: u16,
    pub(super) interface: usize,
    pub(super) ranking: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) id: u64,
    pub(super) caller: UnitRef,
    pub(super) service_unit: UnitRef,
    pub(super) service: u64,
    pub(super) grant: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) id: u64,
    pub(super) exporter: u16,
    pub(super) interface: usize,
    pub(super) consumer: u16,
    pub(super) said: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Peer {
    pub(super) id: u64,
    pub(super) slot: u16,
    pub(super) index: u16,
}

impl Peer {
    pub(super) fn unit(&self) -> UnitRef {
        unit(self.slot, self.index, 1)
    }
}

#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) peers: Vec<Peer>,
    pub(super) services: Vec<Service>,
    pub(super) references: Vec<Reference>,
    pub(super) grants: Vec<Grant>,
    pub(super) incomplete: bool,
}

impl Model {
    pub(super) fn permission(&self, slot: u16, service: &Service) -> Option<u64> {
        if slot == service.slot {
            return Some(0);
        }
        let fits = |grant: &&Grant| {
            (grant.exporter, grant.interface, grant.consumer)
                == (service.slot, service.interface, slot)
        };
        let ids = self.grants.iter().filter(fits).map(|grant| grant.id);
        if self.incomplete { None } else { ids.min() }
    }

    pub(super) fn found(&self, slot: u16, interface: usize) -> Vec<u64> {
        let mut found: Vec<_> = self
            .services
            .iter()
            .filter(|service| service.interface == interface)
            .filter(|service| self.permission(slot, service).is_some())
            .map(|service| (-service.ranking, service.id))
            .collect();
        found.sort_unstable();
        found.into_iter().map(|(_, id)| id).take(16).collect()
    }

    pub(super) fn visible(&self, slot: u16, interface: usize) -> BTreeSet<u64> {
        self.services
            .iter()
            .filter(|service| service.interface == interface)
            .filter(|service| self.permission(slot, service).is_some())
            .map(|service| service.id)
            .collect()
    }

    /// Removes what fits; returns the numbers.
    pub(super) fn cut(&mut self, fits: impl Fn(&Reference) -> bool) -> BTreeSet<u64> {
        let gone = self
            .references
            .iter()
            .filter(|one| fits(one))
            .map(|one| one.id)
            .collect();
        self.references.retain(|one| !fits(one));
        gone
    }

    pub(super) fn close(&mut self, peer: Peer) -> BTreeSet<u64> {
        self.peers.retain(|other| other.id != peer.id);
        let gone: Vec<u64> = self
            .services
            .iter()
            .filter(|one| one.peer == peer.id)
            .map(|one| one.id)
            .collect();
        self.services.retain(|one| one.peer != peer.id);
        let last = self.peers.iter().all(|other| other.unit() != peer.unit());
        self.cut(|one| gone.contains(&one.service) || (last && one.service_unit == peer.unit()))
    }

    pub(super) fn complete(&mut self) -> BTreeSet<u64> {
        self.incomplete = false;
        self.grants.retain(|grant| grant.said);
        let alive: Vec<u64> = self.grants.iter().map(|grant| grant.id).collect();
        self.cut(|one| one.grant != 0 && !alive.contains(&one.grant))
    }
}
