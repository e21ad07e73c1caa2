//! Reading what is used, and adding it up

use std::collections::BTreeMap;

use limen_proto::account::Counters;
use limen_proto::control::{UnitReport, Verb};
use limen_proto::id::{BundleIndex, Slot, UnitId, UnitRef};
use limen_proto::jail::{Found, Refused, Stored};
use limen_proto::manage::{Answer, MonthCount};
use limen_proto::month::Month;
use limen_proto::state::UnitState;

use super::{Account, Payer, SAMPLE_MS};
use crate::core::Steward;
use crate::core::turn::Turn;

/// What limen-jail found is asked for again when it is older than this and somebody looks,
/// milliseconds.
const FRESH_MS: u64 = 4_000;

impl Steward {
    /// Reads everything when it is due.
    pub(in crate::core) fn accounts_settle(&mut self, turn: &mut Turn<'_>) {
        let now = turn.now.monotonic_ms;
        if now >= self.ledger.sample_due_ms {
            self.ledger.sample_due_ms = now + SAMPLE_MS;
            let month = self.month(turn);
            for payer in self.ledger.accounts.keys().cloned().collect::<Vec<_>>() {
                self.turn_month(&payer, month);
            }
            let core = self.core.values().copied();
            let units = self.units.iter().filter_map(|(_, unit)| unit.report);
            let reports: Vec<UnitReport> = core.chain(units).collect();
            for report in reports {
                self.sample(turn, &report);
                if let UnitId::Vgw(slot) = report.unit.unit {
                    self.look(turn, slot);
                }
            }
            self.ledger
                .found
                .retain(|slot, _| self.desired.vgws.contains_key(slot));
        }
        self.volumes_settle(turn);
        self.write_accounts_when_due(turn);
    }

    /// When something is to be read, on the monotonic clock.
    pub(in crate::core) fn accounts_deadline_ms(&self) -> u64 {
        let volume = self.ledger.volume_due_ms.unwrap_or(u64::MAX);
        self.ledger.sample_due_ms.min(volume)
    }

    /// Counts what a unit has used by now.
    pub(in crate::core) fn sample(&mut self, turn: &mut Turn<'_>, report: &UnitReport) {
        let Some(payer) = self.payer(report.unit.unit) else {
            return;
        };
        let (live, memory) = self.live(turn, report);
        let month = self.month(turn);
        self.turn_month(&payer, month);
        let mut account = self.account(&payer);
        let added = account.count(report.era, report.spent.and(live), memory);
        self.ledger.accounts.insert(payer.clone(), account);
        if let (Payer::Bundle(slot, _), true) = (payer, self.facts.forker_counts) {
            self.turn_month(&Payer::Vgw(slot), month);
            let mut vgw = self.account(&Payer::Vgw(slot));
            vgw.add(Counters {
                process_hits: added.process_hits,
                ..Counters::default()
            });
            self.ledger.accounts.insert(Payer::Vgw(slot), vgw);
        }
    }

    /// Counts what a run of limen-install has used, once it is over.
    pub(in crate::core) fn hand_spent(&mut self, turn: &Turn<'_>, slot: Slot, spent: Counters) {
        if self.desired.vgws.contains_key(&slot) {
            let payer = Payer::Install(slot);
            self.turn_month(&payer, self.month(turn));
            let mut account = self.account(&payer);
            account.add(spent);
            self.ledger.accounts.insert(payer, account);
        }
    }

    /// The month that it is; the clock's floor's when the clock is before it.
    pub(super) fn month(&self, turn: &Turn<'_>) -> Month {
        Month::of(turn.now.seconds().max(self.clock_floor()))
    }

    /// What the present life has used, and the memory that it has.
    fn live(&self, turn: &mut Turn<'_>, report: &UnitReport) -> (Counters, u64) {
        if report.state == UnitState::Idle {
            return (Counters::default(), 0);
        }
        let unit = report.unit.unit;
        let mut live = turn.outside.counters(unit);
        if let UnitId::Vgw(slot) = unit
            && let Some((generation, found, _)) = self.ledger.found.get(&slot)
            && *generation == report.unit.generation
        {
            live = live.and(found.counters);
        }
        (live, turn.outside.usage(unit).memory)
    }

    /// Lets limen-jail look at a virtual gateway's link and quota, unless it just did.
    pub(in crate::core) fn look(&mut self, turn: &mut Turn<'_>, slot: Slot) {
        let unit = self.units.get(UnitId::Vgw(slot));
        let recently = self
            .ledger
            .found
            .get(&slot)
            .is_some_and(|(_, _, at)| turn.now.monotonic_ms.saturating_sub(*at) < FRESH_MS);
        if unit.state() == UnitState::Active && !recently {
            if let Some((_, _, at)) = self.ledger.found.get_mut(&slot) {
                *at = turn.now.monotonic_ms;
            }
            self.ask(turn, Verb::Count { slot });
        }
    }

    /// limen-jail looked.
    pub(in crate::core) fn counted(&mut self, turn: &mut Turn<'_>, of: UnitRef, found: Found) {
        let UnitId::Vgw(slot) = of.unit else { return };
        if !self.desired.vgws.contains_key(&slot) {
            return;
        }
        let at = turn.now.monotonic_ms;
        self.ledger.found.insert(slot, (of.generation, found, at));
        if let Some(report) = self.units.get(of.unit).report {
            self.sample(turn, &report);
        }
    }

    /// What a virtual gateway has on the disk.
    pub(in crate::core) fn disk_of(&self, slot: Slot) -> Stored {
        let found = self.ledger.found.get(&slot);
        found.map_or_else(Stored::default, |(_, found, _)| found.disk)
    }

    /// What the volumes of a bundle have of it.
    pub(in crate::core) fn volumes_of(&self, slot: Slot, index: BundleIndex) -> Stored {
        let found = self.ledger.found.get(&slot);
        let of = found.and_then(|(_, found, _)| found.volumes.get(usize::from(index.get())));
        of.copied().unwrap_or_default()
    }

    /// What the link of a virtual gateway refused since it was made.
    pub(in crate::core) fn refused_of(&self, slot: Slot) -> Refused {
        let found = self.ledger.found.get(&slot);
        found.map_or_else(Refused::default, |(_, found, _)| found.refused)
    }

    /// The account as it stands, with what was counted for a month that is not over.
    pub(in crate::core) fn account(&self, payer: &Payer) -> Account {
        let accounts = &self.ledger.accounts;
        let account = accounts.get(payer).or(self.desired.accounts.get(payer));
        account.copied().unwrap_or_default()
    }

    /// The months of a payer before the present one.
    pub(in crate::core) fn months(&self, payer: &Payer) -> BTreeMap<Month, Counters> {
        let months = self.ledger.months.iter();
        months
            .filter(|((of, _), _)| of == payer)
            .map(|((_, month), counted)| (*month, *counted))
            .collect()
    }

    /// What a payer used, month by month.
    pub(in crate::core) fn month_view(&self, payer: &Payer) -> Answer {
        let account = self.account(payer);
        let months = self.months(payer).into_iter();
        let months = months.chain([(account.month, account.counted)]);
        Answer::Months(
            months
                .map(|(month, counted)| MonthCount { month, counted })
                .collect(),
        )
    }

    pub(super) fn turn_month(&mut self, payer: &Payer, month: Month) {
        let mut account = self.account(payer);
        if account.month == month {
            return;
        }
        let mut earlier = self.months(payer);
        account.turn_to(month, &mut earlier);
        while earlier.len() > super::MONTHS {
            earlier.pop_first();
        }
        self.ledger.months.retain(|(of, _), _| of != payer);
        let kept = earlier.into_iter();
        let kept = kept.map(|(month, counted)| ((payer.clone(), month), counted));
        self.ledger.months.extend(kept);
        self.ledger.accounts.insert(payer.clone(), account);
    }

    fn payer(&self, unit: UnitId) -> Option<Payer> {
        match unit {
            UnitId::Core(number) => {
                let name = self.facts.core_units.get(usize::from(number));
                name.cloned().map(Payer::Core)
            }
            // A unit that the state does not name is being ended.
            UnitId::Vgw(slot) => {
                let known = self.desired.vgws.contains_key(&slot);
                known.then_some(Payer::Vgw(slot))
            }
            UnitId::Bundle(slot, index) => {
                let known = self.desired.bundles.contains_key(&(slot, index));
                known.then_some(Payer::Bundle(slot, index))
            }
            // Counted when it is over.
            UnitId::Hand(..) => None,
        }
    }
}
