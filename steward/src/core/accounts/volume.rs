//! The volume of a month: spent, told, given back
//!
//! Whether it is spent is a fact of the account, and is written down with the virtual gateway, so
//! that a power cut neither gives it back nor leaves it in force beyond the month. What is in force
//! is the contract less what is spent, put there like any other change of it.

use limen_proto::contract::{Contract, Rate, Spent, Wan};
use limen_proto::id::{Slot, UnitId};

use super::Payer;
use crate::core::Steward;
use crate::core::audit::{BOX, event};
use crate::core::desired::{Change, VgwRecord};
use crate::core::quantity::bytes;
use crate::core::turn::Turn;

/// The link of a virtual gateway that has a volume is looked at this often, milliseconds: what can
/// pass beyond the volume is what the line carries meanwhile.
pub(super) const LOOK_MS: u64 = 10_000;

/// The contract of a virtual gateway as it is in force now.
pub fn in_force(vgw: &VgwRecord) -> Contract {
    let mut contract = vgw.contract.clone();
    if !vgw.spent {
        return contract;
    }
    match contract.volume.then {
        Spent::Slow { bits } => {
            for rate in [&mut contract.upload, &mut contract.download] {
                if !rate.is_limited() || rate.bits > bits {
                    *rate = Rate::of(bits);
                }
            }
        }
        Spent::Cut => {
            contract.wan = Wan::None;
            contract.destinations.clear();
            contract.lan.clear();
            contract.publish.clear();
        }
    }
    contract
}

impl Steward {
    /// Looks at links that have a volume, and puts in force what follows.
    pub(in crate::core) fn volumes_settle(&mut self, turn: &mut Turn<'_>) {
        let limited: Vec<Slot> = self
            .desired
            .vgws
            .values()
            .filter(|vgw| vgw.contract.volume.bytes > 0 || vgw.spent)
            .map(|vgw| vgw.slot)
            .collect();
        let now = turn.now.monotonic_ms;
        if limited.is_empty() {
            self.ledger.volume_due_ms = None;
        } else if self.ledger.volume_due_ms.is_none_or(|due| now >= due) {
            self.ledger.volume_due_ms = Some(now + LOOK_MS);
            limited.iter().for_each(|slot| self.look(turn, *slot));
        }
        for slot in limited {
            self.volume_settle(turn, slot);
        }
    }

    fn volume_settle(&mut self, turn: &mut Turn<'_>, slot: Slot) {
        let Some(mut vgw) = self.desired.vgws.get(&slot).cloned() else {
            return;
        };
        self.turn_month(&Payer::Vgw(slot), self.month(turn));
        let passed = self.account(&Payer::Vgw(slot)).counted.traffic();
        let volume = vgw.contract.volume;
        let spent = volume.bytes > 0 && passed >= volume.bytes;
        if spent == vgw.spent {
            return;
        }
        let text = match (spent, volume.then) {
            (true, Spent::Cut) => format!(
                "the month's volume of {} is spent: nothing passes until the next month",
                bytes(volume.bytes)
            ),
            (true, Spent::Slow { bits }) => format!(
                "the month's volume of {} is spent: {bits} bit/s pass until the next month",
                bytes(volume.bytes)
            ),
            (false, _) => "there is volume again: nothing is held back for it".to_owned(),
        };
        vgw.spent = spent;
        vgw.adjust = true;
        let draft = event(turn.now, BOX, Some(&vgw.provider), &text, "");
        // What says that it is spent goes to the disk with it.
        self.write_accounts(turn);
        if self
            .commit_with(turn, draft.alarming(), vec![Change::Vgw(vgw)])
            .is_ok()
        {
            self.units.may_adjust(UnitId::Vgw(slot));
        }
    }
}
