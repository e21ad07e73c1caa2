//! System calls that the kernel refused, by bundle
//!
//! Lines of the kernel's log, counted by call. The kernel holds back lines of a flood, for all units
//! together: counts are what was seen, not what was tried. Bounded for every bundle; kept in memory.

use std::collections::BTreeMap;

use limen_proto::id::{BundleIndex, Slot};
use limen_proto::limits::{BUNDLE_UID, SLOT_IDS};

use super::turn::Now;

/// Different calls of one bundle that are kept; the one that was seen longest ago makes room.
const CALLS: usize = 32;

/// One call that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Number; none is another architecture's.
    pub(super) call: Option<u32>,
    pub(super) count: u64,
    pub(super) first_ms: u64,
    pub(super) last_ms: u64,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Denials(BTreeMap<(Slot, BundleIndex), Vec<Refusal>>);

impl Denials {
    /// A line of the log. `uid` is as the box sees it.
    pub(super) fn note(&mut self, now: Now, uid: u32, call: Option<u32>) {
        let Some(place) = bundle_of(uid) else { return };
        let refusals = self.0.entry(place).or_default();
        if let Some(known) = refusals.iter_mut().find(|known| known.call == call) {
            known.count = known.count.saturating_add(1);
            known.last_ms = now.wall_ms;
            return;
        }
        if refusals.len() >= CALLS
            && let Some((oldest, _)) = refusals
                .iter()
                .enumerate()
                .min_by_key(|(_, known)| known.last_ms)
        {
            refusals.remove(oldest);
        }
        refusals.push(Refusal {
            call,
            count: 1,
            first_ms: now.wall_ms,
            last_ms: now.wall_ms,
        });
    }

    /// What was refused to a bundle.
    pub(super) fn of(&self, slot: Slot, index: BundleIndex) -> &[Refusal] {
        self.0.get(&(slot, index)).map_or(&[], Vec::as_slice)
    }

    /// Forgets those of places that others may get.
    pub(super) fn retain(&mut self, stands: impl Fn(Slot, BundleIndex) -> bool) {
        self.0.retain(|(slot, index), _| stands(*slot, *index));
    }
}

/// Whose processes have this uid.
fn bundle_of(uid: u32) -> Option<(Slot, BundleIndex)> {
    let slot = u16::try_from((uid / SLOT_IDS).checked_sub(1)?).ok()?;
    let index = u16::try_from((uid % SLOT_IDS).checked_sub(BUNDLE_UID)?).ok()?;
    Some((Slot::new(slot).ok()?, BundleIndex::new(index).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(wall_ms: u64) -> Now {
        Now {
            wall_ms,
            ..Now::default()
        }
    }

    #[test]
    fn a_uid_leads_to_its_bundle_and_to_no_other() {
        let (slot, index) = (Slot::new(2).unwrap(), BundleIndex::new(3).unwrap());
        assert_eq!(bundle_of(index.outer_id(slot)), Some((slot, index)));
        for uid in [0, 900, SLOT_IDS, slot.first_id() + 1, u32::MAX] {
            assert_eq!(bundle_of(uid), None, "{uid}");
        }
    }

    #[test]
    fn a_flood_of_different_calls_is_bounded_and_the_newest_stay() {
        let (slot, index) = (Slot::new(2).unwrap(), BundleIndex::new(3).unwrap());
        let mut denials = Denials::default();
        for call in 0..1000 {
            denials.note(at(u64::from(call)), index.outer_id(slot), Some(call));
            denials.note(at(u64::from(call)), index.outer_id(slot), None);
        }
        let kept = denials.of(slot, index);
        assert_eq!(kept.len(), CALLS);
        assert!(kept.iter().any(|one| one.call == Some(999)));
        let foreign = kept.iter().find(|one| one.call.is_none()).unwrap();
        assert_eq!(
            (foreign.count, foreign.first_ms, foreign.last_ms),
            (1000, 0, 999)
        );
        denials.retain(|_, _| false);
        assert!(denials.of(slot, index).is_empty());
    }
}
