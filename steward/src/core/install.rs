//! Installing: from the upload to the bundle that runs
//!
//! ```text
//! Receiving ──Admit──▶ fits? ──Go──▶ Writing ──Done──▶ Volumes ──Done──▶ commit ──▶ start, answer
//!     │                  │ no           │                 │
//!     └──────────────────┴──────────────┴─────────────────┴──▶ refused: as it was before
//! ```
//!
//! Before the first byte is written, the digest is noted as a leftover, and the commit that takes
//! the bundle takes that note back: whenever the power fails, either the bundle is there or its
//! files are removed. The commit of an update notes the old digest instead. An older version runs
//! on until the new one is committed.

use limen_proto::id::{BundleIndex, Slot, UnitId};
use limen_proto::install::{Order, Report, Summary};
use limen_proto::manage::{Answer, Caller, Push, Refusal, Verb};

use super::audit::{actor, event};
use super::bundles::{patience_ms, thawed};
use super::calls::Asking;
use super::desired::{BundleRecord, Change, Held, Seen, VgwRecord};
use super::fit::{Verdict, fit};
use super::hands::{SILENCE_MS, from_hand};
use super::jobs::{Waiting, Work};
use super::refusal::{conflict, failed, unavailable};
use super::turn::{Effect, HandId, Turn};
use super::wait::{Form, Goal};
use super::{Outcome, Steward};

/// One installation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Install {
    caller: Caller,
    /// Where the answer goes; none when mgmt is gone.
    pub(super) call: Option<u32>,
    stage: Stage,
}

/// How far it is.
#[derive(Debug, Clone, PartialEq)]
enum Stage {
    /// The hand reads and verifies the manifest.
    Receiving,
    /// The hand verifies and writes the files.
    Writing(Summary, BundleIndex),
    /// A second hand makes the volumes.
    Volumes(Summary, BundleIndex),
    /// The caller was answered; the hand ends by itself.
    Over,
}

impl Install {
    pub(super) fn new(waiting: Waiting) -> Self {
        Self {
            caller: waiting.caller,
            call: waiting.call,
            stage: Stage::Receiving,
        }
    }

    /// Whether the caller did not get its stream yet when its hand starts.
    pub(super) fn awaits_stream(&self) -> bool {
        self.stage == Stage::Receiving
    }

    /// What is being installed, once it was admitted.
    pub(super) fn accepted(&self) -> Option<&Summary> {
        match &self.stage {
            Stage::Writing(summary, _) | Stage::Volumes(summary, _) => Some(summary),
            Stage::Receiving | Stage::Over => None,
        }
    }
}

impl Steward {
    pub(super) fn install_bundle(
        &mut self,
        turn: &mut Turn<'_>,
        asking: &Asking,
        vgw: &VgwRecord,
    ) -> Outcome {
        if vgw.phase == super::desired::Phase::Removing {
            return Err(conflict("the virtual gateway is being removed"));
        }
        if self.listing != super::Listing::Done {
            return Err(unavailable("the gateway is starting; try again"));
        }
        thawed(vgw)?;
        self.queue_upload(turn, vgw.slot, asking.caller.clone(), asking.call)?;
        Ok(None)
    }

    pub(super) fn install_reported(&mut self, turn: &mut Turn<'_>, hand: HandId, report: Report) {
        let Some(install) = self.install_of(hand.slot) else {
            return;
        };
        match (install.stage.clone(), report) {
            (Stage::Receiving, Report::Admit(summary)) => self.admit_bundle(turn, hand, summary),
            (Stage::Writing(..), Report::Progress { done, total }) => {
                if let Some(id) = install.call {
                    turn.push(Effect::Push(Push::Progress { id, done, total }));
                }
            }
            (Stage::Receiving | Stage::Volumes(..) | Stage::Over, Report::Progress { .. }) => {}
            (Stage::Writing(summary, index), Report::Done) if !summary.volumes.is_empty() => {
                self.make_volumes(turn, hand, summary, index);
            }
            (Stage::Writing(summary, index) | Stage::Volumes(summary, index), Report::Done) => {
                self.take(turn, hand.slot, summary, index);
            }
            (_, Report::Refused(refusal)) => {
                self.hand_failed(turn, hand.slot, &from_hand(&refusal));
            }
            (Stage::Over, Report::Done | Report::Admit(_) | Report::Holdings { .. }) => {
                self.end_job(turn, hand.slot);
            }
            (Stage::Receiving, Report::Done | Report::Holdings { .. })
            | (
                Stage::Writing(..) | Stage::Volumes(..),
                Report::Admit(_) | Report::Holdings { .. },
            ) => {
                let why = failed("limen-install did not keep to its protocol");
                self.hand_failed(turn, hand.slot, &why);
            }
        }
    }

    fn install_of(&mut self, slot: Slot) -> Option<&mut Install> {
        match &mut self.jobs.running.get_mut(&slot)?.work {
            Work::Install(install) => Some(install),
            Work::Empty
            | Work::Files(_)
            | Work::Volumes(_)
            | Work::Leftover(_)
            | Work::Sweep
            | Work::All => None,
        }
    }

    fn admit_bundle(&mut self, turn: &mut Turn<'_>, hand: HandId, summary: Summary) {
        let Some(vgw) = self.desired.vgws.get(&hand.slot) else {
            return;
        };
        let verdict = fit(vgw, &self.desired, &summary);
        let noted = match verdict {
            Ok(Verdict::Same(index)) => return self.already_there(turn, hand, index),
            Ok(Verdict::Take(index)) => self
                .commit(turn, &[Change::Leftover(hand.slot, summary.digest)])
                .map(|()| index),
            Err(refusal) => Err(refusal),
        };
        match noted {
            Ok(index) => {
                if let Some(install) = self.install_of(hand.slot) {
                    install.stage = Stage::Writing(summary, index);
                }
                turn.push(Effect::Tell(hand, Order::Go(Ok(()))));
            }
            Err(refusal) => {
                turn.push(Effect::Tell(hand, Order::Go(Err(refusal.message.clone()))));
                let Some(install) = self.install_of(hand.slot) else {
                    return;
                };
                let before = std::mem::replace(&mut install.stage, Stage::Over);
                let failed = Install {
                    caller: install.caller.clone(),
                    call: install.call,
                    stage: before,
                };
                self.install_failed(turn, hand.slot, failed, &refusal);
            }
        }
    }

    /// The same bundle once more: nothing to do, and nothing wrong.
    fn already_there(&mut self, turn: &mut Turn<'_>, hand: HandId, index: BundleIndex) {
        let said = "this very bundle is installed already".to_owned();
        turn.push(Effect::Tell(hand, Order::Go(Err(said))));
        let view = self.bundle_view(turn, hand.slot, index);
        let Some(install) = self.install_of(hand.slot) else {
            return;
        };
        install.stage = Stage::Over;
        let call = install.call;
        if let Some(view) = view {
            self.reply(turn, call, Ok(Answer::Bundle(view)));
        }
    }

    fn make_volumes(
        &mut self,
        turn: &mut Turn<'_>,
        hand: HandId,
        summary: Summary,
        index: BundleIndex,
    ) {
        let Some(job) = self.end_job(turn, hand.slot) else {
            return;
        };
        let Work::Install(mut install) = job.work else {
            return;
        };
        let order = Order::MakeVolumes {
            slot: hand.slot,
            bundle: summary.name.clone(),
            index,
            volumes: summary
                .volumes
                .iter()
                .map(|wish| wish.name.clone())
                .collect(),
        };
        install.stage = Stage::Volumes(summary, index);
        self.start_hand(turn, hand.slot, Work::Install(install), order);
    }

    /// Everything is on the disk: the commit makes it the bundle.
    fn take(&mut self, turn: &mut Turn<'_>, slot: Slot, summary: Summary, index: BundleIndex) {
        let Some(job) = self.end_job(turn, slot) else {
            return;
        };
        let Work::Install(install) = job.work else {
            return;
        };
        let Some(vgw) = self.desired.vgws.get(&slot).cloned() else {
            return;
        };
        let before = self.desired.bundles.get(&(slot, index)).cloned();
        let record = record(turn, slot, index, summary, before.as_ref());
        let changes = changes(&vgw, &record, before.as_ref());
        let what = if before
            .as_ref()
            .is_some_and(|before| before.held == Held::Installed)
        {
            "updated"
        } else {
            "installed"
        };
        let detail = format!(
            "{} {} with counter {}, digest {}",
            record.summary.name,
            record.summary.version,
            record.summary.counter,
            record.summary.digest
        );
        let draft = event(
            turn.now,
            &actor(&install.caller),
            Some(&vgw.provider),
            &format!("{what} a bundle"),
            &detail,
        );
        if let Err(refusal) = self.commit_with(turn, draft, changes) {
            self.install_failed(turn, slot, install, &refusal);
            return;
        }
        self.jobs.clear_failure(slot);
        self.drop_uncovered_grants(turn, &vgw.provider);
        if let Some(call) = install.call {
            let until = turn.now.monotonic_ms + patience_ms(&record);
            let goal = Goal::Up(UnitId::Bundle(slot, index));
            self.waiters.add(call, goal, Form::View, until);
        }
    }

    pub(super) fn install_failed(
        &mut self,
        turn: &mut Turn<'_>,
        slot: Slot,
        install: Install,
        why: &Refusal,
    ) {
        if install.stage == Stage::Over {
            return;
        }
        self.refused(turn, &install.caller, &Verb::InstallBundle, why);
        self.reply(turn, install.call, Err(why.clone()));
        if let Some(job) = self.jobs.running.get_mut(&slot) {
            job.until_ms = turn.now.monotonic_ms + SILENCE_MS;
        }
    }
}

fn record(
    turn: &Turn<'_>,
    slot: Slot,
    index: BundleIndex,
    summary: Summary,
    before: Option<&BundleRecord>,
) -> BundleRecord {
    // An update does not start what was stopped; an installation does.
    let updated = before.filter(|before| before.held == Held::Installed);
    BundleRecord {
        slot,
        index,
        held: Held::Installed,
        enabled: updated.is_none_or(|before| before.enabled),
        serial: before.map_or(turn.now.wall_ms, |before| before.serial + 1),
        volumes: !summary.volumes.is_empty() || before.is_some_and(|before| before.volumes),
        summary,
        installed: turn.now.seconds(),
    }
}

fn changes(vgw: &VgwRecord, record: &BundleRecord, before: Option<&BundleRecord>) -> Vec<Change> {
    let summary = &record.summary;
    let seen = Seen {
        counter: summary.counter,
        digest: summary.digest,
    };
    let mut changes = vec![
        Change::Seen(vgw.provider.clone(), summary.name.clone(), seen),
        Change::NoLeftover(vgw.slot, summary.digest),
        Change::Bundle(record.clone()),
    ];
    if let Some(before) = before
        && before.held == Held::Installed
        && before.summary.digest != summary.digest
    {
        changes.push(Change::Leftover(vgw.slot, before.summary.digest));
    }
    changes
}
