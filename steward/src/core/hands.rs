//! Hands: limen-install started, heard, ended
//!
//! A hand does one order and exits. Its channel's end of file is its end: before an outcome it is
//! a failure. A hand that is late is ended by init. Hands that an earlier steward started lost
//! their channel with it and are ended too.

use limen_proto::control::{ControlError, UnitReport, Verb};
use limen_proto::id::{Digest, Slot, UnitId};
use limen_proto::install::{self, Order, Report};
use limen_proto::manage::Refusal;
use limen_proto::posture::Compared;
use limen_proto::state::UnitState;

use super::Steward;
use super::audit::{BOX, event};
use super::desired::{BundleRecord, Change, Held, Phase};
use super::jobs::{Job, Work};
use super::refusal::{failed, unavailable};
use super::turn::{Effect, HandId, Turn};
use super::units::Asked;

/// Longest silence of a hand, milliseconds: an upload that stalls, a removal on slow flash.
pub(super) const SILENCE_MS: u64 = 60_000;
/// Time for a hand to exit when its work is over, milliseconds.
const LEAVE_MS: u64 = 5_000;

impl Steward {
    pub(super) fn start_hand(&mut self, turn: &mut Turn<'_>, slot: Slot, work: Work, order: Order) {
        let hand = self.next_hand(slot);
        let id = self.request_id();
        turn.push(Effect::Hand { id, hand, order });
        self.jobs.running.insert(
            slot,
            Job {
                hand,
                request: id,
                work,
                until_ms: turn.now.monotonic_ms + SILENCE_MS,
            },
        );
    }

    /// A run number that init does not know any more.
    pub(super) fn next_hand(&mut self, slot: Slot) -> HandId {
        let mut run = self.jobs.last_run.get(&slot).copied().unwrap_or(0);
        loop {
            run = run.wrapping_add(1);
            // 256 numbers, and init's whole table is shorter: one is free.
            if self.units.get(UnitId::Hand(slot, run)).is_gone() {
                break;
            }
        }
        self.jobs.last_run.insert(slot, run);
        HandId { slot, run }
    }

    /// Whether an answer of init was about a hand's start.
    pub(super) fn hand_answered(
        &mut self,
        turn: &mut Turn<'_>,
        id: u32,
        result: Result<(), ControlError>,
    ) -> bool {
        let Some(job) = self.jobs.running.values().find(|job| job.request == id) else {
            return false;
        };
        let hand = job.hand;
        match (result, &job.work) {
            (Ok(()), Work::Install(install)) => {
                if let Some(call) = install.call.filter(|_| install.awaits_stream()) {
                    turn.push(Effect::Upload { call, hand });
                }
            }
            (Ok(()), _) => {}
            (Err(error), _) => {
                let why = unavailable(format!(
                    "limen-install could not be started ({error}); try again"
                ));
                self.hand_failed(turn, hand.slot, &why);
            }
        }
        true
    }

    pub(super) fn hand_reported(&mut self, turn: &mut Turn<'_>, hand: HandId, report: Report) {
        let Some(job) = self.jobs.running.get_mut(&hand.slot) else {
            return;
        };
        if job.hand != hand {
            return;
        }
        job.until_ms = turn.now.monotonic_ms + SILENCE_MS;
        if let Work::Install(_) = job.work {
            self.install_reported(turn, hand, report);
            return;
        }
        match report {
            Report::Progress { .. } => {}
            Report::Holdings { bundles, .. } if job.work == Work::Sweep => {
                self.swept(turn, hand.slot, &bundles);
            }
            Report::Done => self.removal_done(turn, hand.slot),
            Report::Refused(refusal) => {
                self.hand_failed(turn, hand.slot, &from_hand(&refusal));
            }
            Report::Admit(_) | Report::Holdings { .. } => {
                let why = failed("limen-install did not keep to its protocol");
                self.hand_failed(turn, hand.slot, &why);
            }
        }
    }

    pub(super) fn hand_gone(&mut self, turn: &mut Turn<'_>, hand: HandId) {
        let ours = self
            .jobs
            .running
            .get(&hand.slot)
            .is_some_and(|job| job.hand == hand);
        if !ours {
            return;
        }
        let report = self.units.get(UnitId::Hand(hand.slot, hand.run)).report;
        let cause =
            report
                .and_then(|report| report.failed)
                .map_or_else(String::new, |(step, errno)| {
                    let reason = std::io::Error::from_raw_os_error(errno);
                    format!(": its sandbox failed at step {step:?}: {reason}")
                });
        let why = failed(format!(
            "limen-install ended before its work was done{cause}; try again"
        ));
        self.hand_failed(turn, hand.slot, &why);
    }

    /// What init tells of a run: its posture, and at its end, once, what it used. A run that ends
    /// while no steward is there is missed.
    pub(super) fn hand_seen(
        &mut self,
        turn: &Turn<'_>,
        before: Option<UnitReport>,
        report: &UnitReport,
    ) {
        let UnitId::Hand(slot, _) = report.unit.unit else {
            return;
        };
        let stands = self.desired.vgws.contains_key(&slot);
        if stands && report.posture.compared != Compared::NotYet {
            self.jobs.postures.insert(slot, report.posture);
        }
        let is_over = |report: &UnitReport| report.state == UnitState::Idle;
        if is_over(report) && before.is_some_and(|before| !is_over(&before)) {
            self.hand_spent(turn, slot, report.spent);
        }
    }

    /// Takes the job off its hand, which may leave.
    pub(super) fn end_job(&mut self, turn: &mut Turn<'_>, slot: Slot) -> Option<Job> {
        let job = self.jobs.running.remove(&slot)?;
        turn.push(Effect::Drop(job.hand));
        let until = turn.now.monotonic_ms + LEAVE_MS;
        self.jobs.leaving.insert(job.hand, until);
        Some(job)
    }

    pub(super) fn hand_failed(&mut self, turn: &mut Turn<'_>, slot: Slot, why: &Refusal) {
        let Some(job) = self.end_job(turn, slot) else {
            return;
        };
        if let Work::Install(install) = job.work {
            self.install_failed(turn, slot, install, why);
            return;
        }
        self.jobs.fail(slot, &job.work, &why.message);
        let provider = self.provider_of(slot);
        let text = match job.work {
            Work::Empty => "could not empty the place of a new virtual gateway",
            Work::All => "could not remove everything of the virtual gateway",
            Work::Files(_) | Work::Volumes(_) => "could not uninstall a bundle",
            Work::Sweep => "could not compare the store with the recovered state",
            Work::Leftover(_) | Work::Install(_) => "could not remove files that nobody has",
        };
        let text = format!("{text}: {}", why.message);
        let draft = event(turn.now, BOX, provider.as_ref(), &text, "").alarming();
        let mut changes = Vec::new();
        if job.work == Work::Empty {
            // Nothing stood there yet: as if it had never been asked for.
            changes.push(Change::NoVgw(slot));
            changes.push(Change::Trust);
        }
        // A box that cannot write has said so already.
        let _ = self.commit_with(turn, draft, changes);
    }

    /// Files that a recovered state does not name are nobody's. Volumes are left: data is not
    /// destroyed for a state that may be the older one.
    fn swept(&mut self, turn: &mut Turn<'_>, slot: Slot, found: &[Digest]) {
        self.end_job(turn, slot);
        let known: Vec<Digest> = self
            .desired
            .bundles_of(slot)
            .map(|bundle| bundle.summary.digest)
            .collect();
        let changes: Vec<Change> = found
            .iter()
            .filter(|digest| !known.contains(digest))
            .map(|digest| Change::Leftover(slot, *digest))
            .collect();
        if !changes.is_empty() {
            // Logged when it fails; the next start sweeps again.
            let _ = self.commit(turn, &changes);
        }
    }

    fn removal_done(&mut self, turn: &mut Turn<'_>, slot: Slot) {
        let Some(job) = self.end_job(turn, slot) else {
            return;
        };
        let Some(mut vgw) = self.desired.vgws.get(&slot).cloned() else {
            return;
        };
        let provider = Some(vgw.provider.clone());
        let bundle = |index| self.desired.bundles.get(&(slot, index)).cloned();
        let (text, detail, changes) = match job.work {
            Work::Empty => {
                vgw.phase = Phase::Standing;
                (
                    "emptied the place of the new virtual gateway",
                    None,
                    vec![Change::Vgw(vgw)],
                )
            }
            Work::All => (
                "removed the virtual gateway",
                None,
                vec![Change::NoVgw(slot)],
            ),
            Work::Leftover(digest) => ("", None, vec![Change::NoLeftover(slot, digest)]),
            Work::Files(index) => {
                let Some(bundle) = bundle(index) else { return };
                if bundle.held == Held::RemovingAll && bundle.volumes {
                    self.jobs.files_gone.insert((slot, index));
                    return;
                }
                let change = uninstalled(&bundle);
                ("uninstalled a bundle", Some(bundle), vec![change])
            }
            Work::Volumes(index) => {
                let Some(bundle) = bundle(index) else { return };
                let text = "uninstalled a bundle and destroyed its volumes";
                (text, Some(bundle), vec![Change::NoBundle(slot, index)])
            }
            Work::Install(_) | Work::Sweep => return,
        };
        if let Some(bundle) = &detail {
            self.jobs.files_gone.remove(&(slot, bundle.index));
        }
        let committed = if text.is_empty() {
            self.commit(turn, &changes)
        } else {
            let detail = detail.map_or_else(String::new, |bundle| bundle.summary.name.to_string());
            let draft = event(turn.now, BOX, provider.as_ref(), text, &detail);
            self.commit_with(turn, draft, changes)
        };
        if let Err(refusal) = committed {
            self.jobs.fail(slot, &job.work, &refusal.message);
        }
    }

    /// Ends hands that are late or left over.
    pub(super) fn hands_settle(&mut self, turn: &mut Turn<'_>) {
        let now = turn.now.monotonic_ms;
        let late: Vec<Slot> = self
            .jobs
            .running
            .iter()
            .filter(|(_, job)| now >= job.until_ms)
            .map(|(slot, _)| *slot)
            .collect();
        for slot in late {
            let why = unavailable("nothing arrived for a minute, so it was given up; try again");
            self.hand_failed(turn, slot, &why);
        }
        let known: Vec<(HandId, UnitState, Option<Asked>)> = self
            .units
            .iter()
            .filter_map(|(id, unit)| {
                let UnitId::Hand(slot, run) = id else {
                    return None;
                };
                unit.report?;
                Some((HandId { slot, run }, unit.state(), unit.asked))
            })
            .collect();
        for (hand, state, asked) in known {
            self.see_off(turn, hand, state, asked);
        }
        self.jobs.leaving.retain(|_, until| now < *until);
    }

    fn see_off(
        &mut self,
        turn: &mut Turn<'_>,
        hand: HandId,
        state: UnitState,
        asked: Option<Asked>,
    ) {
        let at_work = self
            .jobs
            .running
            .get(&hand.slot)
            .is_some_and(|job| job.hand == hand);
        if at_work || asked.is_some() {
            return;
        }
        let id = UnitId::Hand(hand.slot, hand.run);
        if state == UnitState::Idle {
            let request = self.ask(turn, Verb::Forget { unit: id });
            self.units.ask(request, id, Asked::Forget, None);
            self.jobs.leaving.remove(&hand);
            return;
        }
        let leave = turn.now.monotonic_ms + LEAVE_MS;
        let until = *self.jobs.leaving.entry(hand).or_insert(leave);
        let unit = self.units.get(id);
        let stopped = unit.stopped.is_some()
            && unit.stopped == unit.report.map(|report| report.unit.generation);
        if turn.now.monotonic_ms >= until && state != UnitState::Stopping && !stopped {
            let request = self.ask(turn, Verb::Stop { unit: id });
            self.units.ask(request, id, Asked::Stop, None);
        }
    }
}

fn uninstalled(bundle: &BundleRecord) -> Change {
    if bundle.held == Held::RemovingFiles && bundle.volumes {
        let mut kept = bundle.clone();
        kept.held = Held::VolumesOnly;
        Change::Bundle(kept)
    } else {
        Change::NoBundle(bundle.slot, bundle.index)
    }
}

/// A hand's refusal, for the caller.
pub(super) fn from_hand(refusal: &install::Refusal) -> Refusal {
    use limen_proto::manage::RefusalKind as Kind;
    let kind = match refusal.kind {
        install::RefusalKind::Untrusted => Kind::Untrusted,
        install::RefusalKind::Corrupt
        | install::RefusalKind::Invalid
        | install::RefusalKind::Incomplete => Kind::Invalid,
        install::RefusalKind::NotAdmitted | install::RefusalKind::Full => Kind::NotAdmitted,
        install::RefusalKind::Kernel => Kind::Failed,
    };
    Refusal {
        kind,
        message: refusal.message.clone(),
    }
}
