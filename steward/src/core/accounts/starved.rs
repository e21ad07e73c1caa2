//! Bundles that the kernel ended for want of memory

use limen_proto::control::UnitReport;
use limen_proto::id::UnitId;

use crate::core::Steward;
use crate::core::audit::{self, BOX};
use crate::core::turn::Turn;

impl Steward {
    /// Tells the provider. The operator reads that it happened, not to which bundle.
    pub(in crate::core) fn starved(
        &mut self,
        turn: &mut Turn<'_>,
        before: Option<UnitReport>,
        report: &UnitReport,
    ) {
        let Some(before) = before.filter(|before| before.era == report.era) else {
            return;
        };
        let kills = report
            .spent
            .oom_kills
            .saturating_sub(before.spent.oom_kills);
        let UnitId::Bundle(slot, index) = report.unit.unit else {
            return;
        };
        let (1.., Some(bundle)) = (kills, self.desired.bundles.get(&(slot, index))) else {
            return;
        };
        let name = bundle.summary.name.to_string();
        let provider = self.provider_of(slot);
        // A bundle that dies of it again and again costs no more flash than one actor that is
        // refused again and again.
        let Some(left_out) = self.throttle.admit(turn.now, &report.unit.unit.to_string()) else {
            return;
        };
        let mut text = "ended a bundle that was out of memory".to_owned();
        if left_out > 0 {
            text.push_str(&format!(" ({left_out} times before were left out)"));
        }
        let draft = audit::event(turn.now, BOX, provider.as_ref(), &text, &name);
        self.note(turn, draft.alarming());
    }
}
