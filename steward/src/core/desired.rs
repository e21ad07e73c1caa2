//! What shall be: the records and the only ways to change them
//!
//! `Desired` is the whole durable state but the audit trail, in memory. It changes by `Change`
//! only, and the same list of changes is what the state file writes in one transaction: memory and
//! file cannot drift apart. Records are owned by a slot; a slot is free when no record of it is
//! left. It deliberately holds nothing that was observed and nothing that passes.

use std::collections::{BTreeMap, BTreeSet};

use limen_proto::account::Counters;
use limen_proto::contract::Contract;
use limen_proto::id::{BundleIndex, Digest, Slot};
use limen_proto::install::Summary;
use limen_proto::month::Month;
use limen_proto::name::{Interface, Name};

use super::accounts::{Account, Payer};

/// The box's own identity, provisioned once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Server certificate chain, PEM.
    pub certificate: String,
    /// Server key, PEM.
    pub key: String,
    /// The operator's authority, PEM.
    pub operator: String,
}

/// How far a virtual gateway's record stands from a virtual gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Its place is emptied of whatever an earlier holder, or a lost state, left there.
    Emptying,
    /// It is there.
    Standing,
    /// It is being removed with everything that it holds.
    Removing,
}

/// A virtual gateway that shall exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VgwRecord {
    /// Its place.
    pub slot: Slot,
    /// Whose.
    pub provider: Name,
    /// Shall it run?
    pub enabled: bool,
    /// Shall its processes be held while it runs?
    pub frozen: bool,
    /// Goes up with every start that was asked for.
    pub serial: u64,
    /// Guarantees and limits.
    pub contract: Contract,
    /// The month's volume is spent: the contract is in force less what that takes away.
    pub spent: bool,
    /// What is in force changed and the running unit was not adjusted yet.
    pub adjust: bool,
    /// Whether it is there.
    pub phase: Phase,
    /// The provider's certificate authority, PEM.
    pub authority: String,
    /// The provider's signing keys, minisign base64 lines.
    pub keys: Vec<String>,
    /// Since when, seconds since 1970.
    pub created: u64,
}

/// How far a bundle's record stands from being a startable bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// In the store.
    Installed,
    /// Its files are being removed, its volumes kept.
    RemovingFiles,
    /// Its files and volumes are being removed.
    RemovingAll,
    /// Only its volumes are left, and its place with them: it owns them.
    VolumesOnly,
}

/// A bundle that shall exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleRecord {
    /// The virtual gateway.
    pub slot: Slot,
    /// Its place there, kept as long as its volumes.
    pub index: BundleIndex,
    /// What is left of it.
    pub held: Held,
    /// Shall it run?
    pub enabled: bool,
    /// Goes up with every start that was asked for.
    pub serial: u64,
    /// Whether volumes may lie on the disk, of this version or of an earlier one.
    pub volumes: bool,
    /// What its signed manifest says.
    pub summary: Summary,
    /// Since when, seconds since 1970.
    pub installed: u64,
}

impl BundleRecord {
    /// Whether it is being uninstalled.
    pub fn is_leaving(&self) -> bool {
        matches!(self.held, Held::RemovingFiles | Held::RemovingAll)
    }

    /// Bytes that its files take in the store.
    pub fn files(&self) -> u64 {
        match self.held {
            Held::Installed | Held::RemovingFiles | Held::RemovingAll => self.summary.unpacked,
            Held::VolumesOnly => 0,
        }
    }
}

/// The newest bundle of a name that was ever accepted: what anti-rollback compares with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Its counter.
    pub counter: u64,
    /// Its digest.
    pub digest: Digest,
}

/// A grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantRecord {
    /// Number, from 1, never reused.
    pub id: u64,
    /// Whose service.
    pub exporter: Name,
    /// Which.
    pub interface: Interface,
    /// Who may use it. Need not be on the box: in force when it is.
    pub consumer: Name,
    /// Since when, seconds since 1970.
    pub created: u64,
}

/// Numbers that only go up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Marks {
    /// Of the trust that mgmt was given.
    pub epoch: u64,
    /// Of the last grant.
    pub grant: u64,
    /// Of the last event of the audit trail.
    pub event: u64,
    /// Last time seen, seconds since 1970.
    pub seen: u64,
}

/// An event before it has its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Wall-clock milliseconds since 1970.
    pub time_ms: u64,
    /// Who acted.
    pub actor: String,
    /// About whom; none is the box.
    pub provider: Option<Name>,
    /// What happened, as the operator may read it.
    pub text: String,
    /// What is the provider's own business; empty is nothing.
    pub detail: String,
    /// Whether the log calls it a warning.
    pub alarm: bool,
}

impl Draft {
    /// The same, as a warning.
    pub fn alarming(self) -> Self {
        Self {
            alarm: true,
            ..self
        }
    }
}

/// One change of the durable state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The box was provisioned.
    Identity(Identity),
    /// Put a virtual gateway.
    Vgw(VgwRecord),
    /// Drop a virtual gateway, its bundles, leftovers and accounts. Anti-rollback counters stay: see
    /// ADR 0006.
    NoVgw(Slot),
    /// Put a bundle.
    Bundle(BundleRecord),
    /// Drop a bundle.
    NoBundle(Slot, BundleIndex),
    /// A bundle of this provider and name was accepted.
    Seen(Name, Name, Seen),
    /// Put a grant.
    Grant(GrantRecord),
    /// Drop a grant.
    NoGrant(u64),
    /// These files may lie in the store and nobody shall have them.
    Leftover(Slot, Digest),
    /// They are gone, or belong to a bundle now.
    NoLeftover(Slot, Digest),
    /// mgmt's trust changed.
    Trust,
    /// The clock was seen at this second.
    Clock(u64),
    /// Something to remember.
    Event(Draft),
    /// Put what a unit has used.
    Account(Payer, Account),
    /// Put what it used in a month that is over.
    Month(Payer, Month, Counters),
    /// Drop a month.
    NoMonth(Payer, Month),
}

/// The durable state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Desired {
    /// The box's identity; none before it was provisioned.
    pub identity: Option<Identity>,
    /// Virtual gateways.
    pub vgws: BTreeMap<Slot, VgwRecord>,
    /// Bundles.
    pub bundles: BTreeMap<(Slot, BundleIndex), BundleRecord>,
    /// What was accepted, by provider and bundle.
    pub seen: BTreeMap<(Name, Name), Seen>,
    /// Grants.
    pub grants: BTreeMap<u64, GrantRecord>,
    /// Files to remove.
    pub leftovers: BTreeSet<(Slot, Digest)>,
    /// Numbers.
    pub marks: Marks,
    /// What units have used, as far as it was written down.
    pub accounts: BTreeMap<Payer, Account>,
    /// What they used in months that are over.
    pub months: BTreeMap<(Payer, Month), Counters>,
}

impl Desired {
    /// Carries out one change.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Identity(identity) => self.identity = Some(identity.clone()),
            Change::Vgw(vgw) => {
                self.vgws.insert(vgw.slot, vgw.clone());
            }
            Change::NoVgw(slot) => {
                self.vgws.remove(slot);
                self.bundles.retain(|(owner, _), _| owner != slot);
                self.leftovers.retain(|(owner, _)| owner != slot);
                self.accounts.retain(|payer, _| payer.slot() != Some(*slot));
                self.months
                    .retain(|(payer, _), _| payer.slot() != Some(*slot));
            }
            Change::Bundle(bundle) => {
                self.bundles
                    .insert((bundle.slot, bundle.index), bundle.clone());
            }
            Change::NoBundle(slot, index) => {
                self.bundles.remove(&(*slot, *index));
                let gone = Payer::Bundle(*slot, *index);
                self.accounts.remove(&gone);
                self.months.retain(|(payer, _), _| *payer != gone);
            }
            Change::Seen(provider, bundle, seen) => {
                self.seen.insert((provider.clone(), bundle.clone()), *seen);
            }
            Change::Grant(grant) => {
                self.marks.grant = self.marks.grant.max(grant.id);
                self.grants.insert(grant.id, grant.clone());
            }
            Change::NoGrant(id) => {
                self.grants.remove(id);
            }
            Change::Leftover(slot, digest) => {
                self.leftovers.insert((*slot, *digest));
            }
            Change::NoLeftover(slot, digest) => {
                self.leftovers.remove(&(*slot, *digest));
            }
            Change::Trust => self.marks.epoch += 1,
            Change::Clock(seen) => self.marks.seen = self.marks.seen.max(*seen),
            Change::Event(_) => self.marks.event += 1,
            Change::Account(payer, account) => {
                self.accounts.insert(payer.clone(), *account);
            }
            Change::Month(payer, month, counted) => {
                self.months.insert((payer.clone(), *month), *counted);
            }
            Change::NoMonth(payer, month) => {
                self.months.remove(&(payer.clone(), *month));
            }
        }
    }

    /// A provider's virtual gateway.
    pub fn vgw_of(&self, provider: &Name) -> Option<&VgwRecord> {
        self.vgws.values().find(|vgw| vgw.provider == *provider)
    }

    /// Bundles of a slot, whatever is left of them.
    pub fn bundles_of(&self, slot: Slot) -> impl Iterator<Item = &BundleRecord> {
        self.bundles
            .values()
            .filter(move |bundle| bundle.slot == slot)
    }

    /// Bundles of a slot that are in the store.
    pub fn installed(&self, slot: Slot) -> impl Iterator<Item = &BundleRecord> {
        self.bundles_of(slot)
            .filter(|bundle| bundle.held == Held::Installed)
    }

    /// A bundle of a slot by its name.
    pub fn bundle_named(&self, slot: Slot, name: &Name) -> Option<&BundleRecord> {
        self.bundles_of(slot)
            .find(|bundle| bundle.summary.name == *name)
    }

    /// Whether an installed bundle of `exporter` offers `interface` to `consumer`.
    pub fn exports(&self, exporter: &Name, interface: &Interface, consumer: &Name) -> bool {
        self.vgw_of(exporter).is_some_and(|vgw| {
            self.installed(vgw.slot)
                .flat_map(|bundle| &bundle.summary.exports)
                .any(|(offered, to)| offered == interface && to.contains(consumer))
        })
    }
}
