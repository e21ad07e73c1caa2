//! When accounts are written, and what of them

use limen_proto::account::Counters;
use limen_proto::control::UnitReport;
use limen_proto::id::{BundleIndex, UnitId};
use limen_proto::jail::Stored;
use limen_proto::state::UnitState;

use super::{Account, Ledger, Payer, WRITE_LITTLE_MS, WRITE_MS};
use crate::core::Steward;
use crate::core::desired::{Change, Desired};
use crate::core::turn::Turn;

impl Ledger {
    /// Begins with what is on the disk.
    pub(in crate::core) fn new(desired: &Desired) -> Self {
        Self {
            accounts: desired.accounts.clone(),
            months: desired.months.clone(),
            ..Self::default()
        }
    }

    /// What the disk does not have yet, payers that are gone excepted.
    fn unwritten(&self, desired: &Desired) -> Vec<Change> {
        let stands = |payer: &Payer| match payer {
            Payer::Core(_) => true,
            Payer::Vgw(slot) | Payer::Install(slot) => desired.vgws.contains_key(slot),
            Payer::Bundle(slot, index) => desired.bundles.contains_key(&(*slot, *index)),
        };
        let accounts = self.accounts.iter();
        let accounts = accounts
            .filter(|(payer, account)| desired.accounts.get(payer) != Some(account))
            .filter(|(payer, _)| stands(payer))
            .map(|(payer, account)| Change::Account(payer.clone(), *account));
        let months = self.months.iter();
        let months = months
            .filter(|(key, counted)| desired.months.get(key) != Some(counted))
            .filter(|((payer, _), _)| stands(payer))
            .map(|((payer, month), counted)| Change::Month(payer.clone(), *month, *counted));
        let gone = desired.months.keys();
        let gone = gone
            .filter(|key| !self.months.contains_key(key))
            .map(|(payer, month)| Change::NoMonth(payer.clone(), *month));
        accounts.chain(months).chain(gone).collect()
    }
}

impl Steward {
    pub(super) fn write_accounts_when_due(&mut self, turn: &mut Turn<'_>) {
        let age = turn.now.monotonic_ms.saturating_sub(self.ledger.written_ms);
        if age < WRITE_MS {
            return;
        }
        let none = Account::default();
        let much = self.ledger.accounts.iter().any(|(payer, account)| {
            account.moved_much(self.desired.accounts.get(payer).unwrap_or(&none))
        });
        if much || age >= WRITE_LITTLE_MS {
            self.write_accounts(turn);
        }
    }

    /// Writes what is not on the disk. A box that cannot write counts on in memory.
    pub(in crate::core) fn write_accounts(&mut self, turn: &mut Turn<'_>) {
        self.ledger.written_ms = turn.now.monotonic_ms;
        let changes = self.ledger.unwritten(&self.desired);
        if !changes.is_empty() {
            // Logged when it fails, and tried again when it is due again.
            let _ = self.commit(turn, &changes);
        }
    }

    /// A life ended: what it used is in the report. The end of a virtual gateway may be the first of
    /// the whole box's, of which nobody tells the steward, so it is written down; no more often than
    /// refused attempts are, for a reaper may die again and again.
    pub(in crate::core) fn ended(
        &mut self,
        turn: &mut Turn<'_>,
        before: Option<UnitReport>,
        report: &UnitReport,
    ) {
        let spent = before.map_or_else(Counters::default, |before| before.spent);
        if spent != report.spent {
            self.sample(turn, report);
        }
        let was = before.map_or(UnitState::Idle, |before| before.state);
        let ended = report.state == UnitState::Idle && was != UnitState::Idle;
        if matches!(report.unit.unit, UnitId::Vgw(_))
            && ended
            && self.throttle.admit(turn.now, "accounts").is_some()
        {
            self.write_accounts(turn);
        }
    }

    /// Whoever gets the place next begins with nothing.
    pub(in crate::core) fn close_accounts(&mut self) {
        let gone = |payer: &Payer| match payer {
            Payer::Core(_) => false,
            Payer::Vgw(slot) | Payer::Install(slot) => !self.desired.vgws.contains_key(slot),
            Payer::Bundle(slot, index) => !self.desired.bundles.contains_key(&(*slot, *index)),
        };
        self.denials
            .retain(|slot, index| self.desired.bundles.contains_key(&(slot, index)));
        self.ledger
            .found
            .retain(|slot, _| self.desired.vgws.contains_key(slot));
        for (slot, (_, found, _)) in &mut self.ledger.found {
            for (place, stored) in (0..).zip(&mut found.volumes) {
                let index = BundleIndex::new(place);
                if !index.is_ok_and(|index| self.desired.bundles.contains_key(&(*slot, index))) {
                    *stored = Stored::default();
                }
            }
        }
        self.jobs
            .postures
            .retain(|slot, _| self.desired.vgws.contains_key(slot));
        self.ledger.accounts.retain(|payer, _| !gone(payer));
        self.ledger.months.retain(|(payer, _), _| !gone(payer));
    }
}
