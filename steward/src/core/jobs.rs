//! Work that needs a hand: what is to be done next, one hand a slot
//!
//! What is to be done follows from the desired state, so that a restarted steward goes on where
//! the last one ended: a place to empty, a bundle to take away, files that nobody shall have, a
//! virtual gateway to clear. Only uploads are asked for by callers, and wait in a bounded queue.
//! Work that failed is not tried again before a caller asks or the steward starts anew.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use limen_proto::id::{BundleIndex, Digest, Slot, UnitId};
use limen_proto::install::{Order, Summary};
use limen_proto::limits::HANDS;
use limen_proto::manage::{Caller, Refusal};
use limen_proto::name::Name;
use limen_proto::posture::Posture;
use limen_proto::state::UnitState;

use super::Steward;
use super::desired::{BundleRecord, Held, Phase, VgwRecord};
use super::install::Install;
use super::refusal::{conflict, unavailable};
use super::spec::bundle_tag;
use super::turn::{HandId, Turn};

/// Most uploads of one provider that wait for their turn.
const WAITING: usize = 4;
/// Longest wait for a turn, milliseconds.
const TURN_MS: u64 = 30_000;

/// What a hand is for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Work {
    /// Empty the place of a virtual gateway that is being created.
    Empty,
    /// Take a bundle.
    Install(Install),
    /// Remove the files of a bundle that is being uninstalled.
    Files(BundleIndex),
    /// Remove its volumes.
    Volumes(BundleIndex),
    /// Remove files that nobody shall have.
    Leftover(Digest),
    /// See what lies in the store, after the state was recovered.
    Sweep,
    /// Remove everything of a virtual gateway that is being removed.
    All,
}

/// One hand at work.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Job {
    pub(super) hand: HandId,
    /// The request to init that starts the hand.
    pub(super) request: u32,
    pub(super) work: Work,
    pub(super) until_ms: u64,
}

/// An upload that waits for its turn.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) caller: Caller,
    pub(super) call: Option<u32>,
    pub(super) until_ms: u64,
}

/// All work.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    pub(super) running: BTreeMap<Slot, Job>,
    waiting: BTreeMap<Slot, VecDeque<Waiting>>,
    /// Hands whose work is over and whose end init did not report yet, until when.
    pub(super) leaving: BTreeMap<HandId, u64>,
    /// Removals that failed, and why.
    failures: BTreeMap<Slot, String>,
    /// Leftovers whose removal failed.
    stuck: BTreeSet<(Slot, Digest)>,
    /// Bundles whose files are gone and whose volumes are next.
    pub(super) files_gone: BTreeSet<(Slot, BundleIndex)>,
    pub(super) last_run: BTreeMap<Slot, u8>,
    /// What was enforced on the last run that was read back.
    pub(super) postures: BTreeMap<Slot, Posture>,
    /// Slots whose store is still to be compared with a recovered state.
    unswept: BTreeSet<Slot>,
}

impl Jobs {
    /// No work but to sweep these slots.
    pub(super) fn new(unswept: Option<impl Iterator<Item = Slot>>) -> Self {
        Self {
            unswept: unswept.into_iter().flatten().collect(),
            ..Self::default()
        }
    }

    pub(super) fn deadline_ms(&self) -> Option<u64> {
        let running = self.running.values().map(|job| job.until_ms);
        let waiting = self
            .waiting
            .values()
            .flatten()
            .map(|waiting| waiting.until_ms);
        running
            .chain(waiting)
            .chain(self.leaving.values().copied())
            .min()
    }

    /// What is being installed, once its manifest was read.
    pub(super) fn arriving(&self, slot: Slot) -> Option<&Summary> {
        match &self.running.get(&slot)?.work {
            Work::Install(install) => install.accepted(),
            Work::Empty
            | Work::Files(_)
            | Work::Volumes(_)
            | Work::Leftover(_)
            | Work::Sweep
            | Work::All => None,
        }
    }

    /// Why a removal in this slot failed.
    pub(super) fn failure(&self, slot: Slot) -> Option<&str> {
        self.failures.get(&slot).map(String::as_str)
    }

    pub(super) fn clear_failure(&mut self, slot: Slot) {
        self.failures.remove(&slot);
        self.stuck.retain(|(owner, _)| *owner != slot);
    }

    pub(super) fn fail(&mut self, slot: Slot, work: &Work, why: &str) {
        match work {
            Work::Leftover(digest) => {
                self.stuck.insert((slot, *digest));
            }
            Work::Empty | Work::Files(_) | Work::Volumes(_) | Work::All => {
                self.failures.insert(slot, why.to_owned());
            }
            // A sweep is tried once: what it would find costs disk and nothing else.
            Work::Install(_) | Work::Sweep => {}
        }
    }

    /// The callers are gone; their work goes on, or ends by itself when their streams do.
    pub(super) fn forget_calls(&mut self) {
        self.waiting.clear();
        for job in self.running.values_mut() {
            if let Work::Install(install) = &mut job.work {
                install.call = None;
            }
        }
    }

    /// Uploads to a virtual gateway that is going have nowhere to go.
    pub(super) fn drop_waiting(&mut self, slot: Slot) {
        for waiting in self.waiting.get_mut(&slot).into_iter().flatten() {
            waiting.until_ms = 0;
        }
    }
}

impl Steward {
    /// Queues an upload.
    pub(super) fn queue_upload(
        &mut self,
        turn: &Turn<'_>,
        slot: Slot,
        caller: Caller,
        call: u32,
    ) -> Result<(), Refusal> {
        let busy = self
            .jobs
            .running
            .get(&slot)
            .is_some_and(|job| matches!(job.work, Work::Install(_)));
        let queue = self.jobs.waiting.entry(slot).or_default();
        if queue.len() + usize::from(busy) >= WAITING {
            return Err(conflict(format!(
                "{WAITING} installations are under way already; wait for one to end"
            )));
        }
        queue.push_back(Waiting {
            caller,
            call: Some(call),
            until_ms: turn.now.monotonic_ms + TURN_MS,
        });
        Ok(())
    }

    pub(super) fn jobs_settle(&mut self, turn: &mut Turn<'_>) {
        self.drop_late_uploads(turn);
        let slots: Vec<Slot> = self.desired.vgws.keys().copied().collect();
        for slot in slots {
            if self.jobs.running.len() >= HANDS {
                return;
            }
            if self.jobs.running.contains_key(&slot) {
                continue;
            }
            let Some((work, order)) = self.next_work(slot) else {
                continue;
            };
            self.start_hand(turn, slot, work, order);
        }
    }

    fn drop_late_uploads(&mut self, turn: &mut Turn<'_>) {
        let mut late = Vec::new();
        for (slot, queue) in &mut self.jobs.waiting {
            let extending = self
                .jobs
                .running
                .get(slot)
                .is_some_and(|job| matches!(job.work, Work::Install(_)));
            queue.retain_mut(|waiting| {
                // Behind another upload one waits for as long as that goes on.
                if extending && waiting.until_ms > 0 {
                    waiting.until_ms = turn.now.monotonic_ms + TURN_MS;
                }
                let keep = turn.now.monotonic_ms < waiting.until_ms;
                if !keep {
                    late.push(waiting.call);
                }
                keep
            });
        }
        self.jobs.waiting.retain(|_, queue| !queue.is_empty());
        for call in late {
            let refusal =
                unavailable("the gateway was busy with other work of this provider; try again");
            self.reply(turn, call, Err(refusal));
        }
    }

    fn next_work(&mut self, slot: Slot) -> Option<(Work, Order)> {
        let vgw = self.desired.vgws.get(&slot)?.clone();
        let failed = self.jobs.failure(slot).is_some();
        match vgw.phase {
            Phase::Emptying => (!failed).then_some((Work::Empty, Order::RemoveAll)),
            Phase::Removing => {
                let gone = self
                    .units
                    .of_slot(slot)
                    .all(|(id, unit)| matches!(id, UnitId::Hand(..)) || unit.is_gone());
                (gone && !failed).then_some((Work::All, Order::RemoveAll))
            }
            Phase::Standing => {
                let removal = if failed {
                    None
                } else {
                    self.next_removal(slot)
                };
                let sweep = self.jobs.unswept.remove(&slot);
                let sweep = sweep.then_some((Work::Sweep, Order::List));
                sweep
                    .or(removal)
                    .or_else(|| self.next_leftover(slot))
                    .or_else(|| self.next_upload(&vgw))
            }
        }
    }

    fn next_removal(&self, slot: Slot) -> Option<(Work, Order)> {
        let bundle = self.desired.bundles_of(slot).find(|bundle| {
            bundle.is_leaving() && self.units.get(UnitId::Bundle(slot, bundle.index)).is_gone()
        })?;
        if self.jobs.files_gone.contains(&(slot, bundle.index)) {
            let order = Order::RemoveVolumes {
                bundle: bundle.summary.name.clone(),
            };
            return Some((Work::Volumes(bundle.index), order));
        }
        let order = Order::Remove {
            digest: bundle.summary.digest,
        };
        Some((Work::Files(bundle.index), order))
    }

    /// Files go when nothing runs from them any more: a running unit may be an older version.
    fn next_leftover(&self, slot: Slot) -> Option<(Work, Order)> {
        let current = |bundle: &BundleRecord| {
            let unit = self.units.get(UnitId::Bundle(slot, bundle.index));
            unit.is_down()
                || (unit.state() != UnitState::Stopping
                    && bundle_tag(bundle).is_ok_and(|tag| unit.carries(tag)))
        };
        if !self.desired.bundles_of(slot).all(current) {
            return None;
        }
        let wanted = |digest: &Digest| {
            self.desired
                .bundles_of(slot)
                .any(|bundle| bundle.held != Held::VolumesOnly && bundle.summary.digest == *digest)
        };
        let digest = self
            .desired
            .leftovers
            .iter()
            .filter(|left| left.0 == slot && !self.jobs.stuck.contains(left))
            .map(|left| left.1)
            .find(|digest| !wanted(digest))?;
        Some((Work::Leftover(digest), Order::Remove { digest }))
    }

    fn next_upload(&mut self, vgw: &VgwRecord) -> Option<(Work, Order)> {
        let waiting = self.jobs.waiting.get_mut(&vgw.slot)?.pop_front()?;
        let order = Order::Install {
            slot: vgw.slot,
            provider: vgw.provider.clone(),
            keys: vgw.keys.clone(),
        };
        Some((Work::Install(Install::new(waiting)), order))
    }

    /// The provider of a slot, for an event.
    pub(super) fn provider_of(&self, slot: Slot) -> Option<Name> {
        self.desired.vgws.get(&slot).map(|vgw| vgw.provider.clone())
    }
}
